#include "model/ich9_lpc.h"

#include <algorithm>
#include <cstring>

#include "model/chipset.h"

namespace ringside::model {
namespace {

constexpr unsigned kRoutingAToD = 0x60;
constexpr unsigned kRoutingEToH = 0x68;
constexpr std::uint8_t kRoutingDisabled = 0x80;
constexpr std::uint8_t kRoutingIrq = 0x0f;
constexpr unsigned kFirstPirqLine = 16;

// The root complex base address, and what lies there: each device's pins have four bits each.
constexpr unsigned RCBA = 0xf0;
constexpr std::uint32_t RCBA_ENABLE = 1;
constexpr std::uint32_t RCBA_ADDRESS_MASK = 0xffff'c000;
constexpr unsigned kFirstOwnDevice = 25;
constexpr unsigned kDmiToPci = 30;
constexpr std::array<unsigned, 7> kPinRoutes{0x3150, 0x314c, 0x3148, 0x3146, 0x3144, 0, 0x3140};  // D25IR .. D31IR
constexpr std::array<std::uint8_t, 2> kPinRoutesAtPowerOn{0x10, 0x32};                            // A to A, B to B ..
constexpr unsigned GCS = 0x3410;
constexpr std::uint8_t kGcsAtPowerOn = 0x20;
constexpr unsigned kChipsetClaim = kBars;

constexpr unsigned routing_register(unsigned pirq) { return pirq < 4 ? kRoutingAToD + pirq : kRoutingEToH + pirq - 4; }

}  // namespace

Ich9Lpc::Ich9Lpc(const sc_core::sc_module_name& name, const Clock& clock, InterruptController& interrupts)
    : PciFunction(name, clock, ich9_lpc_config_space()), interrupts_(interrupts) {}

void Ich9Lpc::power_on(const Latencies& latencies, Tap* tap) {
  power_on_function(latencies, tap);
  let_go();
  chipset_ = {};
  for (const unsigned route : kPinRoutes) {
    if (route != 0) {
      std::ranges::copy(kPinRoutesAtPowerOn, chipset_.begin() + route);
    }
  }
  chipset_[GCS] = kGcsAtPowerOn;
}

// Slots are wired to PIRQ E .. H in turn, and so are the pins of device 30; the other devices of the chipset itself
// have their route registers. What those say counts when a pin goes high.
unsigned Ich9Lpc::pirq_of(unsigned device, unsigned pin) const {
  constexpr unsigned kPirqE = 4;
  constexpr unsigned kBitsPerPin = 4;
  if (device < kFirstOwnDevice) {
    return kPirqE + (device + pin) % kPins;
  }
  if (device == kDmiToPci) {
    return kPirqE + pin;
  }
  const unsigned route = kPinRoutes[device - kFirstOwnDevice];
  const unsigned pins = chipset_[route] | unsigned{chipset_[route + 1]} << 8;
  return pins >> kBitsPerPin * pin & (kPirqs - 1);
}

std::uint64_t Ich9Lpc::chipset_base() const { return space_.read(RCBA, 4) & RCBA_ADDRESS_MASK; }

void Ich9Lpc::place_chipset_registers() {
  if ((space_.read(RCBA, 4) & RCBA_ENABLE) != 0) {
    claim(AddressSpace::memory, kChipsetClaim, {chipset_base(), chipset_base() + kChipsetBytes - 1});
  } else {
    release(AddressSpace::memory, kChipsetClaim);
  }
}

// Only what it has claimed comes here: they are plain memory to who reads and writes them.
void Ich9Lpc::forward(AddressSpace, tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
  const std::uint64_t offset = transaction.get_address() - chipset_base();
  const std::uint64_t size = transaction.get_data_length();
  if (offset >= kChipsetBytes || size > kChipsetBytes - offset) {
    transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  const std::uint64_t cost = transaction.is_write() ? latencies_.register_write_ns : latencies_.register_read_ns;
  delay += to_sc_time(cost * kPicosecondsPerNanosecond);
  if (transaction.is_write()) {
    std::memcpy(&chipset_[offset], transaction.get_data_ptr(), size);
  } else {
    std::memcpy(transaction.get_data_ptr(), &chipset_[offset], size);
  }
  transaction.set_response_status(tlm::TLM_OK_RESPONSE);
}

void Ich9Lpc::after_config_write(unsigned offset, unsigned size, Picoseconds) {
  if (offset < RCBA + 4 && offset + size > RCBA) {
    place_chipset_registers();
  }
  if (offset < kRoutingEToH + 4 && offset + size > kRoutingAToD) {
    drive_lines();
  }
}

void Ich9Lpc::drive_lines() {
  std::array<bool, kFirstPirqLine> isa{};
  for (unsigned i = 0; i < kPirqs; ++i) {
    const std::uint8_t routing = space_[routing_register(i)];
    if ((routing & kRoutingDisabled) == 0) {
      isa[routing & kRoutingIrq] = isa[routing & kRoutingIrq] || pirq_high(i);
    }
    interrupts_.set_line(kFirstPirqLine + i, pirq_high(i));
  }
  for (unsigned line = 0; line < isa.size(); ++line) {
    interrupts_.set_line(line, isa[line]);
  }
}

}  // namespace ringside::model
