// Where rings and requests lie in the memory that driver and device share, seen from below the tap: for faults that
// change what a device has written. Every index and address found there is checked before use; a fault must not become
// a wild access of the bench.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "driver/hal/machine.h"
#include "testbench/trace/record.h"

namespace ringside::faults {

// What a device reports of a chain. A packed ring has 16 bits for the id.
struct UsedElement {
  std::uint8_t* id = nullptr;
  std::uint8_t* length = nullptr;
  unsigned id_bytes = 4;

  [[nodiscard]] std::uint32_t get_id() const;
  void set_id(std::uint32_t value) const;
  void set_length(std::uint32_t value) const;
};

class SharedMemory {
 public:
  // The tap numbers the buffers as they are allocated and puts guards round them; `buffer` is what the machine gave.
  void allocated(const hal::DmaBuffer& buffer, std::size_t alignment);
  void freed(const hal::DmaBuffer& buffer);
  // Follows queues through the tap's records, of which it takes some kinds.
  void see(const trace::Record& record);
  [[nodiscard]] static constexpr bool concerns(trace::Kind kind) {
    switch (kind) {
      case trace::Kind::features:
      case trace::Kind::queue_enabled:
      case trace::Kind::queue_disabled:
      case trace::Kind::device_status:
      case trace::Kind::used_seen:
        return true;
      default:
        return false;
    }
  }

  // Whether a live queue is packed: that has no used index, and descriptors that the device has written over.
  [[nodiscard]] bool is_packed(std::uint8_t unit, std::uint16_t queue);
  // The used index of a live split queue; null when there is no such queue.
  [[nodiscard]] std::uint16_t* used_index(std::uint8_t unit, std::uint16_t queue);
  // The newest used element, if the driver has not seen it yet: of a packed ring the one that it will see next.
  [[nodiscard]] std::optional<UsedElement> newest_used(std::uint8_t unit, std::uint16_t queue);
  // --- What a device can have done to a live queue; false when it is not like that now.
  // The event index of its used ring (VIRTIO 1.2, 2.7.10), or of its device area (2.8.10).
  [[nodiscard]] bool write_avail_event(std::uint8_t unit, std::uint16_t queue, std::uint16_t value);
  // The newest used element of a split ring once more.
  [[nodiscard]] bool repeat_newest(std::uint8_t unit, std::uint16_t queue);
  // Of the newest used descriptor of a packed ring.
  [[nodiscard]] bool turn_wrap_bit(std::uint8_t unit, std::uint16_t queue);
  // Of the chain under `head`, as far as it is in the ring's own table.
  [[nodiscard]] bool rewrite_descriptors(std::uint8_t unit, std::uint16_t queue, std::uint32_t head);

  // The last byte that the device may write of the chain under `head`: the status of a block request. Null when the
  // chain cannot be followed.
  [[nodiscard]] std::uint8_t* status_byte(std::uint8_t unit, std::uint16_t queue, std::uint32_t head);

 private:
  struct Allocation {
    std::uint8_t* cpu = nullptr;
    std::size_t size = 0;
    std::uint64_t number = 0;
  };
  struct Queue {
    std::uint16_t size = 0;
    std::uint8_t* descriptors = nullptr;
    std::uint8_t* used = nullptr;
    std::uint16_t seen = 0;  // used.idx as the driver last read it; packed: its place and wrap counter
    bool packed = false;
  };

  void enabled(const trace::Record& record);
  [[nodiscard]] static std::optional<UsedElement> newest_packed(const Queue& queue);
  [[nodiscard]] Queue* find(std::uint8_t unit, std::uint16_t queue);
  [[nodiscard]] std::uint8_t* at_bus(std::uint64_t bus, std::uint64_t size) const;
  [[nodiscard]] std::uint8_t* at_packed(std::uint64_t packed, std::uint64_t size) const;

  std::map<std::uint64_t, Allocation> by_bus_;        // guards included
  std::map<std::uint64_t, std::uint64_t> by_number_;  // bus address of what the log calls offset 0
  std::uint64_t allocations_ = 0;
  std::map<std::uint8_t, std::uint64_t> accepted_;  // features, by unit
  std::map<std::pair<std::uint8_t, std::uint16_t>, Queue> queues_;
};

}  // namespace ringside::faults
