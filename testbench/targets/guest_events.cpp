#include "testbench/targets/guest_events.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <cstring>

#include "testbench/targets/run_aborted.h"
#include "testbench/trace/names.h"

namespace ringside::targets {
namespace {

// A run that goes on and on must not take all memory with it: this is 1 GiB of log.
constexpr std::uint64_t kMostRecords = std::uint64_t{1} << 24;
// Room is made in pieces, so that a guest that waits for it goes on soon.
constexpr std::uint64_t kPiece = 4096;

}  // namespace

GuestEvents::GuestEvents(QemuRam& ram)
    : box_(*reinterpret_cast<guest::Mailbox*>(ram.data() + guest::kMailboxBase)),
      ring_(reinterpret_cast<const trace::Record*>(ram.data() + guest::kEventsBase)) {}

// Acquire: pairs with the guest's release, so that the records that are counted are there. Release: what was read may
// be overwritten.
void GuestEvents::drain(trace::Sink& sink) {
  const std::uint64_t produced = std::atomic_ref(box_.events_produced).load(std::memory_order_acquire);
  if (produced - taken_ > guest::kEventCapacity) {
    throw RunAborted(fmt::format("the guest says that it has produced {} events where {} were taken and {} have room",
                                 produced, taken_, guest::kEventCapacity));
  }
  if (produced > kMostRecords) {
    throw RunAborted(fmt::format("the guest has produced more than {} events", kMostRecords));
  }
  while (taken_ != produced) {
    for (const std::uint64_t end = std::min(taken_ + kPiece, produced); taken_ != end;) {
      sink.append(take(taken_));
      ++taken_;
    }
    std::atomic_ref(box_.events_consumed).store(taken_, std::memory_order_release);
  }
}

trace::Record GuestEvents::take(std::uint64_t number) const {
  trace::Record record;
  std::memcpy(&record, ring_ + number % guest::kEventCapacity, sizeof record);
  if (trace::name_of(record.kind) == nullptr || record.kind == trace::Kind::none || record.tap > trace::Tap::bench) {
    throw RunAborted(fmt::format("event {} of the guest is none: kind {}, tap {}", number,
                                 static_cast<unsigned>(record.kind), static_cast<unsigned>(record.tap)));
  }
  return record;
}

}  // namespace ringside::targets
