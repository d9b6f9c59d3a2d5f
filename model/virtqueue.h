// A virtqueue as the transport sees it (VIRTIO 1.2, 2.6): split or packed, as was negotiated. Which of the two is a
// branch, not a virtual call: the request path comes through here.
#pragma once

#include <cstdint>

#include "model/packed_queue.h"
#include "model/split_queue.h"

namespace ringside::model {

class Virtqueue {
 public:
  // What the driver sets, through the registers of its transport. The ring reads them when it is enabled.
  struct Registers {
    std::uint16_t size = 0;
    std::uint16_t msix_vector = VIRTIO_MSI_NO_VECTOR;
    bool enabled = false;
    std::uint64_t desc = 0;
    std::uint64_t driver = 0;
    std::uint64_t device = 0;
  };
  Registers registers;

  // --- Kept here for the transport.
  bool at_zero = false;         // the ring, when it was enabled
  std::uint32_t in_flight = 0;  // chains fetched and not used yet
  std::uint32_t lives = 0;      // how often it was enabled since power-on
  Picoseconds last_due = 0;     // when the chain fetched last will be used
  bool stalled = false;         // chains wait in it until the device has room for one

  Virtqueue(DmaPort& dma, QuirkLog& quirks, IndirectTable& table)
      : split_(dma, quirks, table), packed_(dma, quirks, table) {}

  // Power-on state, of registers and indices.
  void reset() {
    registers = {};
    in_flight = 0;
    last_due = 0;
    stalled = false;
    split_.reset();
    packed_.reset();
  }
  // The same for one queue (2.6.1), but that the addresses can still be read.
  void reset_one() {
    const Registers before = registers;
    reset();
    registers.desc = before.desc;
    registers.driver = before.driver;
    registers.device = before.device;
  }
  // Whether a part of it begins in memory and ends beyond it: such a ring is no ring.
  [[nodiscard]] bool leaves_ram(const DmaPort& dma, std::uint64_t features) const {
    const unsigned event = (features & VIRTIO_F_EVENT_IDX) != 0 ? 2 : 0;
    const unsigned driver_bytes = is_packed_ ? sizeof(PvirtqEventSuppress) : 4 + 2u * registers.size + event;
    const unsigned device_bytes = is_packed_ ? sizeof(PvirtqEventSuppress) : 4 + 8u * registers.size + event;
    return dma.leaves_ram(registers.desc, sizeof(VirtqDesc) * registers.size) ||
           dma.leaves_ram(registers.driver, driver_bytes) || dma.leaves_ram(registers.device, device_bytes);
  }
  // While it is enabled.
  void resize(std::uint16_t size) {
    split_.resize(size);
    packed_.resize(size);
  }
  void enable(std::uint64_t features) {
    const RingPlace place{registers.size, registers.desc, registers.driver, registers.device};
    // Enabled once more as it is, nothing of it begins anew.
    lives += registers.enabled && place == place_ ? 0 : 1;
    place_ = place;
    registers.enabled = true;
    at_zero = registers.desc == 0;
    is_packed_ = (features & VIRTIO_F_RING_PACKED) != 0;
    if (is_packed_) {
      packed_.enable(place);
    } else {
      split_.enable(place);
    }
    set_features(features);
  }
  // Where it was enabled, whatever its registers say since.
  [[nodiscard]] const RingPlace& place() const { return place_; }
  // A legacy driver may settle its features after it has set up the queue (3.1.2).
  void set_features(std::uint64_t features) {
    split_.set_features(features);
    packed_.set_features(features);
  }

  // --- What both kinds do; see SplitQueue.
  [[nodiscard]] Look look() { return is_packed_ ? packed_.look() : split_.look(); }
  [[nodiscard]] bool fetch(Chain& chain) { return is_packed_ ? packed_.fetch(chain) : split_.fetch(chain); }
  [[nodiscard]] bool empty() { return is_packed_ ? packed_.empty() : split_.empty(); }
  void ask_for_notification() {
    if (is_packed_) {
      packed_.ask_for_notification();
    } else {
      split_.ask_for_notification();
    }
  }
  void put_used(const Token& token, std::uint32_t length) {
    if (is_packed_) {
      packed_.put_used(token, length);
    } else {
      split_.put_used(token, length);
    }
  }
  void publish_used() {
    if (is_packed_) {
      packed_.publish_used();
    } else {
      split_.publish_used();
    }
  }
  [[nodiscard]] bool interrupt_wanted() { return is_packed_ ? packed_.interrupt_wanted() : split_.interrupt_wanted(); }
  [[nodiscard]] unsigned slots_to_interrupt() const {
    return is_packed_ ? packed_.slots_to_interrupt() : split_.slots_to_interrupt();
  }
  // How many chains it has returned, and fetched, since it was enabled.
  [[nodiscard]] std::uint16_t used_index() const { return is_packed_ ? packed_.used_count() : split_.used_index(); }
  [[nodiscard]] std::uint32_t fetched() const { return is_packed_ ? packed_.fetched() : split_.fetched(); }
  [[nodiscard]] std::uint16_t next_available() const {
    return is_packed_ ? packed_.next_available() : split_.next_available();
  }
  [[nodiscard]] std::uint16_t next_used() const { return is_packed_ ? packed_.next_used() : split_.next_used(); }
  [[nodiscard]] Picoseconds completion_cost(const Latencies& latencies) const {
    return is_packed_ ? PackedQueue::completion_cost(latencies) : SplitQueue::completion_cost(latencies);
  }

 private:
  SplitQueue split_;
  PackedQueue packed_;
  RingPlace place_;
  bool is_packed_ = false;
};

}  // namespace ringside::model
