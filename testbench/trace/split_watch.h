// A split virtqueue under watch (VIRTIO 1.2, 2.7).
#pragma once

#include <cstdint>

#include "testbench/trace/queue_watch.h"

namespace ringside::trace {

class SplitWatch final : public QueueWatch {
 public:
  SplitWatch(std::uint8_t unit, std::uint16_t queue, const QueueRings& rings, const WatchTools& tools);

  [[nodiscard]] bool is_look(const std::uint8_t* address, unsigned size) const override;
  void looked(const std::uint8_t* address, unsigned size, std::uint64_t value) override;
  void before_store(const std::uint8_t*, unsigned, std::uint64_t) override {}
  void stored(const std::uint8_t* address, unsigned size, std::uint64_t value) override;
  void look_for_published() override;
  void look_for_used() override;
  void look_for_suppression() override;

 private:
  void publish(std::uint16_t index);
  void request(std::uint16_t head);
  void judge_flags();
  void walk(std::uint16_t head, Walk& walk, Chain& chain);

  std::uint16_t avail_index_ = 0;
  std::uint16_t used_index_ = 0;
  bool flags_told_ = false;
  std::uint32_t last_event_ = 0;
  std::uint32_t last_flags_ = 0;
};

}  // namespace ringside::trace
