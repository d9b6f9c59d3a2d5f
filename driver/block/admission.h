// Which requests go onto a ring: what the driver's own arrays hold, and what device and driver have agreed on.
#pragma once

#include <cstdint>

#include "driver/block/block_device.h"
#include "driver/block/controller.h"
#include "driver/block/open.h"
#include "driver/block/request_queue.h"
#include "driver/block/request_rules.h"
#include "driver/block/virtio_rules.h"

namespace ringside::block {

class Admission {
 public:
  Admission(const Controller& controller, const Options& options)
      : controller_(controller),
        misaligned_(address_bits_below(options.data_alignment)),
        check_requests_(options.check_requests) {}

  // Whether it takes no more than PlainLimits to know of a plain request.
  [[nodiscard]] bool plain() const { return check_requests_ && misaligned_ == 0; }

  template <class Ring>
  [[nodiscard]] Status verdict(const Request& request, QueueRange<Ring> queues) const {
    // Our own arrays hold this many, whatever the caller wants to send.
    if (request.queue >= queues.size() || request.segment_count > queues.first[request.queue].most_segments() ||
        (request.segment_count != 0 && request.segments == nullptr)) {
      return Status::refused;
    }
    if (!check_requests_) {
      return Status::ok;
    }
    return misaligned(request) ? Status::refused : verdict_on(controller_.info(), request);
  }

 private:
  [[nodiscard]] bool misaligned(const Request& request) const {
    std::uintptr_t addresses = 0;
    for (std::uint16_t i = 0; i < request.segment_count && misaligned_ != 0; ++i) {
      addresses |= reinterpret_cast<std::uintptr_t>(request.segments[i].data);
    }
    return (addresses & misaligned_) != 0;
  }

  const Controller& controller_;
  std::uintptr_t misaligned_;  // the address bits that are 0 where data is aligned as asked
  bool check_requests_;
};

}  // namespace ringside::block
