// A packed virtqueue under watch (VIRTIO 1.2, 2.8). Requests are read before the store that makes them available: from
// then on the device may write over them.
#pragma once

#include <cstdint>
#include <vector>

#include "testbench/trace/queue_watch.h"

namespace ringside::trace {

class PackedWatch final : public QueueWatch {
 public:
  PackedWatch(std::uint8_t unit, std::uint16_t queue, const QueueRings& rings, const WatchTools& tools);

  [[nodiscard]] bool is_look(const std::uint8_t* address, unsigned size) const override;
  void looked(const std::uint8_t* address, unsigned size, std::uint64_t value) override;
  void before_store(const std::uint8_t* address, unsigned size, std::uint64_t value) override;
  void stored(const std::uint8_t* address, unsigned size, std::uint64_t value) override;
  void look_for_published() override;
  void look_for_used() override;
  void look_for_suppression() override;

 private:
  // A place in the ring and the wrap counter that goes with it.
  struct Position {
    std::uint32_t place = 0;
    bool wrap = true;
    void advance(std::uint32_t entries, std::uint32_t size) {
      place += entries;
      if (place >= size) {
        place -= size;
        wrap = !wrap;
      }
    }
    [[nodiscard]] std::uint16_t word() const { return static_cast<std::uint16_t>(place | (wrap ? 0x8000u : 0u)); }
  };
  // A store that is about to happen.
  struct Store {
    const std::uint8_t* address = nullptr;
    unsigned size = 0;
    std::uint64_t value = 0;
  };
  struct List {
    Position start;
    std::uint32_t entries = 0;
    bool ends = false;  // with a descriptor that has no NEXT flag
  };

  // What is available once the store has happened.
  void publish(const Store& store);
  [[nodiscard]] const std::uint8_t* entry(const Position& position) const;
  // As it will be after the store.
  [[nodiscard]] PackedDescriptor descriptor(const Position& position, const Store& store) const;
  [[nodiscard]] bool is_with_device(std::uint32_t place) const;
  [[nodiscard]] List list_at(const Position& start, std::uint32_t most, const Store& store) const;
  void request(const List& list, const Store& store);
  void walk_table(const PackedDescriptor& descriptor, Walk& walk, Chain& chain);

  Position next_avail_;
  Position next_used_;
  std::uint32_t last_event_ = 0;
  std::uint32_t last_flags_ = 0;
};

}  // namespace ringside::trace
