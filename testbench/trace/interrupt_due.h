// Whether the driver has asked to be told of the completions that it is about to see. From the driver's side of the log
// alone: what the device thinks about it is what is being checked.
#pragma once

#include <cstdint>

#include "testbench/trace/record.h"
#include "testbench/trace/ring_position.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::trace {

// What the driver of one queue has asked for.
class InterruptRequest {
 public:
  InterruptRequest() = default;
  // A queue that has just been enabled, of a device with these features.
  InterruptRequest(const Record& queue_enabled, std::uint64_t accepted)
      : ring_(queue_enabled.value, accepted), event_index_((accepted >> VIRTIO_F_EVENT_IDX & 1) != 0) {
    seen_ = event_ = ring_.start();
  }

  // A used_event or avail_flags record.
  void asked(const Record& record) {
    (record.kind == Kind::used_event ? event_ : flags_) = static_cast<std::uint16_t>(record.value);
  }
  // A used_seen record that found something.
  void saw(const Record& used_seen) { seen_ = static_cast<std::uint16_t>(used_seen.value); }

  [[nodiscard]] bool packed() const { return ring_.packed(); }
  [[nodiscard]] bool by_event() const {
    return ring_.packed() ? flags_ == RING_EVENT_FLAGS_DESC && event_index_ : event_index_;
  }
  // Whether what this used_seen record found is to raise an interrupt: with the event index when the position moves
  // past it, else when the flags allow it (VIRTIO 1.2, 2.7.7.2, 2.8.10).
  [[nodiscard]] bool due(const Record& used_seen) const {
    const auto now = static_cast<std::uint16_t>(used_seen.value);
    if (by_event()) {
      return ring_.passes(event_, seen_, now);
    }
    const bool off = ring_.packed() ? flags_ == RING_EVENT_FLAGS_DISABLE : (flags_ & VIRTQ_AVAIL_F_NO_INTERRUPT) != 0;
    return used_seen.length != 0 && !off;
  }

 private:
  RingPositions ring_;
  bool event_index_ = false;
  std::uint16_t event_ = 0;
  std::uint16_t flags_ = 0;
  std::uint16_t seen_ = 0;  // by the driver, last
};

}  // namespace ringside::trace
