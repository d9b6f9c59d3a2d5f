// Which queues an interrupt may be about: those whose MSI-X entry names its vector. Learnt from the driver's side of
// the log.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "driver/hal/machine.h"
#include "testbench/trace/record.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::trace {

class InterruptRoutes {
 public:
  static constexpr std::uint64_t kNoVector = 0xffff;  // VIRTIO_MSI_NO_VECTOR (VIRTIO 1.2, 4.1.4.3)

  void see(const Record& record) {
    if (record.kind == Kind::msix_vector) {
      vector_of_[{record.unit, record.offset}] = {record.value, (record.aux & 1) != 0};
    } else if (record.kind == Kind::register_write && is_queue_vector(record)) {
      entry_of_[{record.unit, record.queue}] = record.value;
    }
  }

  // A line may be about any queue, and so may a vector as long as nothing is known of the queue's own.
  [[nodiscard]] bool concerns(std::uint64_t vector, std::uint8_t unit, std::uint16_t queue) const {
    const auto entry = entry_of_.find({unit, queue});
    if (vector >= hal::kFirstLineVector || entry == entry_of_.end()) {
      return true;
    }
    if (entry->second == kNoVector) {
      return false;
    }
    const auto own = vector_of_.find({unit, entry->second});
    return own == vector_of_.end() || (own->second.vector == vector && !own->second.masked);
  }

 private:
  struct Entry {
    std::uint64_t vector = 0;  // the machine's
    bool masked = false;
  };

  static bool is_queue_vector(const Record& record) {
    return (record.region == static_cast<std::uint32_t>(Structure::common) &&
            record.offset == VIRTIO_PCI_COMMON_Q_MSIX) ||
           (record.region == static_cast<std::uint32_t>(Structure::legacy) && record.offset == VIRTIO_MSI_QUEUE_VECTOR);
  }

  std::map<std::pair<std::uint8_t, std::uint16_t>, std::uint64_t> entry_of_;  // of a queue
  std::map<std::pair<std::uint8_t, std::uint64_t>, Entry> vector_of_;
};

}  // namespace ringside::trace
