// The packed virtqueue (VIRTIO 1.2, 2.8), device's side. One ring that both sides write: a descriptor is the driver's
// or the device's by two of its flags, whose meaning turns over each time the ring wraps. The driver may write anything
// into it: each descriptor is read once, checked, and kept here.
#pragma once

#include <cstdint>

#include "model/chain.h"
#include "model/dma_port.h"
#include "model/quirk_log.h"
#include "model/virtio.h"

namespace ringside::model {

// The same interface as SplitQueue, and the same meaning.
class PackedQueue {
 public:
  PackedQueue(DmaPort& dma, QuirkLog& quirks, IndirectTable& table) : dma_(dma), quirks_(quirks), table_(table) {}

  void reset();
  void enable(const RingPlace& place) { place_ = place; }
  void set_features(std::uint64_t features);
  void resize(std::uint16_t size) { place_.size = size; }

  [[nodiscard]] Look look();
  [[nodiscard]] bool fetch(Chain& chain);
  [[nodiscard]] bool empty() { return look() == Look::nothing; }
  void ask_for_notification();

  void put_used(const Token& token, std::uint32_t length);
  void publish_used();
  [[nodiscard]] bool interrupt_wanted();
  [[nodiscard]] unsigned slots_to_interrupt() const;

  [[nodiscard]] std::uint16_t used_count() const { return used_count_; }
  [[nodiscard]] std::uint32_t fetched() const { return fetched_; }
  [[nodiscard]] std::uint16_t next_available() const { return next_.index; }
  [[nodiscard]] std::uint16_t next_used() const { return used_.index; }

  // DMA that completing one chain takes, besides its data.
  [[nodiscard]] static Picoseconds completion_cost(const Latencies& latencies) {
    return latencies.dma(kUsedBytes) + latencies.dma(sizeof(std::uint16_t)) +
           latencies.dma(sizeof(PvirtqEventSuppress));
  }

 private:
  static constexpr std::uint64_t kUsedBytes = 6;  // length and id; the flags follow when those are visible

  // A place in the ring, and the wrap counter that goes with it (2.8.1).
  struct Position {
    std::uint16_t index = 0;
    bool wrap = true;
  };
  void advance(Position& position, std::uint16_t slots) const;
  [[nodiscard]] std::uint64_t address(std::uint16_t index) const { return place_.desc + sizeof(PvirtqDesc) * index; }
  [[nodiscard]] bool fetch_indirect(Chain& chain, const PvirtqDesc& descriptor);
  [[nodiscard]] bool names_descriptor(unsigned flags, Picoseconds at);
  // How far the driver's event lies ahead of the next used descriptor; negative when behind.
  [[nodiscard]] int distance_to(std::uint16_t off_wrap) const;

  DmaPort& dma_;
  QuirkLog& quirks_;
  IndirectTable& table_;
  RingPlace place_;
  bool event_index_ = false;
  bool indirect_ = false;
  bool asked_ = false;  // interrupt_wanted() was, since the reset
  Position next_;       // of the descriptor to fetch
  Position used_;       // of the used descriptor to write
  PvirtqDesc head_{};   // at next_, once look() has found something there
  bool head_valid_ = false;
  std::uint16_t outstanding_ = 0;  // descriptors fetched and not used
  std::uint16_t published_slots_ = 0;
  std::uint16_t pending_flags_ = 0;  // of the used descriptor that publish_used() makes visible
  std::uint64_t pending_address_ = 0;
  std::uint16_t used_count_ = 0;
  std::uint32_t fetched_ = 0;
};

}  // namespace ringside::model
