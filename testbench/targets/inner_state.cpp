#include "testbench/targets/inner_state.h"

#include <array>

#include "testbench/trace/hash.h"

namespace ringside::targets {
namespace {

trace::Record device_record(trace::Kind kind, std::uint8_t unit) {
  trace::Record record;
  record.kind = kind;
  record.tap = trace::Tap::device;
  record.unit = unit;
  return record;
}

}  // namespace

void record_inner_state(trace::DriverTap& tap, std::uint8_t unit, const InnerState& state) {
  trace::Record device = device_record(trace::Kind::dev_state, unit);
  device.value = state.status;
  device.aux = state.features;
  tap.emit(device);
  for (const InnerQueue& queue : state.queues) {
    trace::Record record = device_record(trace::Kind::dev_queue_state, unit);
    record.queue = queue.number;
    record.value = queue.size;
    record.offset = queue.next_available;
    record.length = queue.next_used;
    record.ordinal = queue.in_flight;
    const std::array<std::uint64_t, 3> addresses{tap.packed(queue.descriptors), tap.packed(queue.driver_area),
                                                 tap.packed(queue.device_area)};
    record.hash = trace::hash_bytes(addresses.data(), sizeof addresses);
    tap.emit(record);
  }
}

}  // namespace ringside::targets
