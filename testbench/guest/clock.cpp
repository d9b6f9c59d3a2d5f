#include "testbench/guest/clock.h"

#include "testbench/guest/cpu.h"
#include "testbench/guest/local_apic.h"

namespace ringside::guest {
namespace {

// The 8254's channel 2, which beeps, and is ours to use. It counts down at 1.193182 MHz.
constexpr std::uint16_t kChannel2 = 0x42;
constexpr std::uint16_t kTimerMode = 0x43;
constexpr std::uint16_t kSpeakerControl = 0x61;
constexpr std::uint8_t kGate = 1;
constexpr std::uint8_t kSpeaker = 2;
constexpr std::uint8_t kRanOut = 0x20;
constexpr std::uint8_t kOneShot = 0xb0;  // channel 2, both bytes, mode 0
constexpr std::uint8_t kLatch = 0x80;
constexpr std::uint64_t kHertz = 1'193'182;
constexpr std::uint64_t kTicksToMeasure = kHertz / 500;  // 2 ms

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;

// All clocks at one moment.
struct Moment {
  std::uint64_t time_stamp = 0;
  std::uint64_t error = 0;  // in time stamps: the reading took that long
  std::uint16_t interval = 0;
  std::uint32_t local = 0;
};

Moment read_clocks() {
  const std::uint64_t before = read_time_stamp();
  port_write8(kTimerMode, kLatch);
  const std::uint32_t local = timer_ticks_left();
  const std::uint64_t after = read_time_stamp();
  const unsigned low = port_read8(kChannel2);
  const unsigned high = port_read8(kChannel2);
  return {before + (after - before) / 2, after - before, static_cast<std::uint16_t>(high << 8 | low), local};
}

// The host may take the CPU away between two readings: of several, the quickest is believed.
Moment read_clocks_well() {
  constexpr unsigned kTries = 8;
  Moment best = read_clocks();
  for (unsigned i = 1; i < kTries; ++i) {
    const Moment next = read_clocks();
    best = next.error < best.error ? next : best;
  }
  return best;
}

void start_interval_timer() {
  port_write8(kSpeakerControl, static_cast<std::uint8_t>((port_read8(kSpeakerControl) & ~kSpeaker) | kGate));
  port_write8(kTimerMode, kOneShot);
  port_write8(kChannel2, 0xff);
  port_write8(kChannel2, 0xff);
}

struct Rates {
  std::uint64_t power_on = 0;     // time stamp
  std::uint64_t time_stamps = 1;  // in a second
  std::uint64_t local_ticks = 1;  // in a second
  std::uint64_t nanoseconds = 0;  // in a time stamp, times 2^32
};
Rates g_rates;

std::uint64_t a_second(std::uint64_t counted, std::uint64_t interval_ticks) {
  const std::uint64_t rate = counted * kHertz / interval_ticks;
  return rate == 0 ? 1 : rate;
}

// False when the CPU was away for so long that the interval timer ran out.
bool measure(Rates& rates) {
  start_interval_timer();
  start_timer(kMostTicks);
  const Moment first = read_clocks_well();
  Moment last = first;
  while (static_cast<std::uint16_t>(first.interval - last.interval) < kTicksToMeasure) {
    last = read_clocks_well();
  }
  if ((port_read8(kSpeakerControl) & kRanOut) != 0) {
    return false;
  }
  const auto interval = static_cast<std::uint16_t>(first.interval - last.interval);
  rates.time_stamps = a_second(last.time_stamp - first.time_stamp, interval);
  rates.local_ticks = a_second(first.local - last.local, interval);
  return true;
}

}  // namespace

void start_clock() {
  g_rates.power_on = read_time_stamp();
  while (!measure(g_rates)) {
  }
  start_timer(0);  // stops it
  g_rates.nanoseconds = (kNanosecondsPerSecond << 32) / g_rates.time_stamps;
}

std::uint64_t now() {
  const unsigned __int128 passed = read_time_stamp() - g_rates.power_on;
  return static_cast<std::uint64_t>(passed * g_rates.nanoseconds >> 32);
}

std::uint64_t timer_ticks(std::uint64_t nanoseconds) {
  const auto ticks = static_cast<unsigned __int128>(nanoseconds) * g_rates.local_ticks / kNanosecondsPerSecond;
  return ticks > ~std::uint64_t{0} ? ~std::uint64_t{0} : static_cast<std::uint64_t>(ticks);
}

std::uint64_t time_stamps_per_microsecond() { return g_rates.time_stamps / 1'000'000; }

}  // namespace ringside::guest
