// One request queue of a virtio block device: requests onto the ring and back.
//
// A request in flight owns a slot, numbered by the head of its chain. Per slot there is, in DMA memory, a frame that
// the device reads (header, range), a status byte that it writes, and an indirect table; and in private memory what we
// must be able to trust: whose request it is, what was mapped, how much the device may write.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver/block/block_device.h"
#include "driver/block/direct_dma.h"
#include "driver/block/request_format.h"
#include "driver/block/virtio_rules.h"
#include "driver/hal/machine.h"
#include "driver/virtio/packed_queue.h"
#include "driver/virtio/split_queue.h"
#include "driver/virtio/transport.h"

namespace ringside::block {

inline constexpr std::uint64_t kNever = ~std::uint64_t{0};

struct SlotLimits {
  std::uint16_t slots = 0;     // the largest ring that there will be
  std::uint16_t segments = 0;  // of a request
  bool indirect = false;
};

// A request that the device has finished, or the reason why it is to be trusted no more.
struct Finished {
  virtio::UsedError error = virtio::UsedError::none;
  Request* request = nullptr;
  Status status = Status::ok;
};

template <class Ring>
class RequestQueue {
 public:
  using Memory = typename Ring::MemoryPolicy;

  RequestQueue(Memory memory, std::uint16_t number) : memory_(memory), ring_(memory), number_(number) {}

  // Slots for any ring that start() may be asked for. False when memory has run out.
  [[nodiscard]] bool allocate(hal::Machine& machine, const SlotLimits& limits);
  // Gives everything back but private memory: only when the device no longer touches it.
  void release();
  // Forgets it instead, when the device may still write to it. Returns how many DMA buffers that leaves.
  unsigned abandon();

  // A ring of this shape, empty; false when memory has run out or there are too few slots. What was in flight before is
  // forgotten.
  [[nodiscard]] bool start(const virtio::QueueShape& shape, bool indirect);
  void set_doorbell(const virtio::Doorbell& doorbell) { doorbell_ = doorbell; }
  // The device no longer uses the ring: frees it.
  void stop() { ring_.release(); }

  [[nodiscard]] std::uint16_t number() const { return number_; }
  [[nodiscard]] virtio::QueueAddresses addresses() const { return ring_.addresses(); }
  [[nodiscard]] std::uint16_t size() const { return ring_.size(); }
  [[nodiscard]] std::uint16_t slots() const { return limits_.slots; }
  [[nodiscard]] std::uint16_t in_flight() const { return ring_.in_flight(); }
  // Of a request on this ring; a chain is never longer than the queue (2.7.5.3.1, 2.8.5).
  [[nodiscard]] std::uint16_t most_segments() const { return most_segments_; }

  enum class Sent : std::uint8_t { yes, full, unmappable };
  // Onto the ring; the device sees it after publish(). `replays`: how often it has been sent before.
  [[nodiscard]] Sent send(Request& request, std::uint64_t deadline, std::uint8_t replays = 0);
  // Whether there is a shorter way for plain requests, and its bound: data that needs no mapping, behind a table, in
  // any order.
  [[nodiscard]] std::uint64_t most_plain_bytes() const { return indirect_ && !ring_.in_order() ? direct_.size() : 0; }
  // The shorter way, for requests of this queue and operation that are plain and have no deadline of their own: up to
  // the first that is not, or that finds no room. Returns how many.
  template <Operation kOperation>  // read or write
  [[nodiscard]] std::size_t send_plain(Request* const* requests, std::size_t count, const PlainLimits& limits,
                                       std::uint64_t deadline);
  void publish();

  // How many requests take() gives before the next look; virtio::kUsedIndexJumped when the device counts wrong.
  [[nodiscard]] std::uint32_t look() { return ring_.look(); }
  // The same when something is known to be in flight, on a ring where one look does not count all.
  template <bool kInOrder>
  [[nodiscard]] std::uint32_t look_again() requires(!Ring::kLookCountsAll) {
    return ring_.template look_again<kInOrder>();
  }
  template <bool kInOrder>
  [[nodiscard]] Finished take(Counters& counters);
  [[nodiscard]] bool in_order() const { return ring_.in_order(); }

  void arm(std::uint16_t count) { ring_.arm(count); }

  // No deadline in flight lies before it. Requests that complete leave it too early, which is safe but would wake a
  // waiter for nothing: refresh_earliest makes it exact, but no more often than every `interval`.
  [[nodiscard]] std::uint64_t earliest() const { return earliest_; }
  void refresh_earliest(std::uint64_t now, std::uint64_t interval);
  [[nodiscard]] bool has_expired(std::uint64_t now);

  // Only when the device can no longer touch them.
  void unmap_in_flight();
  // In the order in which they were sent where the ring keeps it, else in any.
  template <class Visit>  // void(Request&, deadline, replays)
  void for_each_in_flight(Visit visit);

 private:
  struct alignas(64) Slot {
    Request* request;
    std::uint64_t deadline;
    std::uint32_t writable;      // bytes that the device may write, with the status byte
    std::uint8_t mapped;         // segments; 0 of those that need no mapping
    std::uint8_t replays;        // how often it has been sent before
    std::uint16_t table_length;  // of the table as it was last written; 0: it was not
    // Where the slot's parts lie. They never move.
    RequestFrame* frame;
    std::uint8_t* status;
    virtio::Descriptor* table;
    hal::BusAddress table_bus;
  };

  static_assert(kMaxSegments <= 0xff);  // Slot::mapped

  template <class Write>  // void(Piece)
  [[nodiscard]] bool each_data_piece(std::uint16_t head, const Request& request, Write write);
  [[nodiscard]] hal::BusAddress map_segment(std::uint16_t head, const Request& request);
  void unmap_segments(std::uint16_t head);
  void write_frame(const Slot& slot, const Request& request);
  [[nodiscard]] bool write_table(std::uint16_t head, const Request& request);
  void finish_table(std::uint32_t head, std::uint16_t count);
  [[nodiscard]] bool write_chain(std::uint16_t head, const Request& request);
  // What a used length other than expected makes of the request and its status.
  [[nodiscard]] Status odd_length(Slot& slot, std::uint32_t length, bool skipped, Status status,
                                  Counters& counters) const;
  [[nodiscard]] static Status status_of(std::uint8_t byte, Counters& counters);

  [[nodiscard]] std::size_t table_bytes() const {
    return (std::size_t{limits_.segments} + kHeaderAndStatus) * sizeof(virtio::Descriptor);
  }
  [[nodiscard]] hal::BusAddress* mapped(std::uint16_t head) const {
    return mapped_ + head * std::size_t{limits_.segments};
  }
  [[nodiscard]] virtio::Piece header_piece(std::uint32_t head) const {
    return {frames_.bus + head * sizeof(RequestFrame), kHeaderBytes, false};
  }
  [[nodiscard]] virtio::Piece range_piece(std::uint16_t head) const {
    return {frames_.bus + head * sizeof(RequestFrame) + offsetof(RequestFrame, range_sector), kRangeBytes, false};
  }
  [[nodiscard]] virtio::Piece status_piece(std::uint32_t head) const { return {statuses_.bus + head, 1, true}; }

  hal::Machine* machine_ = nullptr;
  [[no_unique_address]] Memory memory_;
  Ring ring_;
  virtio::Doorbell doorbell_;

  hal::DmaBuffer frames_;    // the device only reads it, if it is honest
  hal::DmaBuffer statuses_;  // the device writes it
  hal::DmaBuffer tables_;    // indirect tables, like frames_

  // Private.
  Slot* slots_ = nullptr;
  hal::BusAddress* mapped_ = nullptr;  // limits_.segments per slot
  SlotLimits limits_;
  DirectDma direct_;
  std::uint16_t number_;  // as the device counts its queues
  std::uint16_t most_segments_ = 0;
  bool indirect_ = false;            // in use on the present ring
  bool counts_lengths_ = false;      // the device means the used lengths that it tells: it is no legacy device
  std::uint64_t earliest_ = kNever;  // see earliest()
  std::uint64_t refreshed_ = 0;      // when it was last exact
};

// Neighbouring queues of a device: those that a call is about.
template <class Ring>
struct QueueRange {
  RequestQueue<Ring>* first = nullptr;
  RequestQueue<Ring>* last = nullptr;  // one past it

  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(last - first); }
  [[nodiscard]] RequestQueue<Ring>* begin() const { return first; }
  [[nodiscard]] RequestQueue<Ring>* end() const { return last; }

  [[nodiscard]] std::size_t in_flight() const {
    std::size_t count = 0;
    for (const RequestQueue<Ring>& queue : *this) {
      count += queue.in_flight();
    }
    return count;
  }
  [[nodiscard]] std::uint64_t earliest() const {
    std::uint64_t earliest = kNever;
    for (const RequestQueue<Ring>& queue : *this) {
      earliest = queue.in_flight() != 0 && queue.earliest() < earliest ? queue.earliest() : earliest;
    }
    return earliest;
  }
  // Whether a device has used something that nobody has taken.
  [[nodiscard]] bool any_used() const {
    for (RequestQueue<Ring>& queue : *this) {
      if (queue.look() != 0) {
        return true;
      }
    }
    return false;
  }
};

template <class Ring>
template <class Visit>
void RequestQueue<Ring>::for_each_in_flight(Visit visit) {
  const auto visit_slot = [&](const Slot& slot) { visit(*slot.request, slot.deadline, slot.replays); };
  if (ring_.in_order()) {
    for (std::uint16_t older = 0; older < ring_.in_flight(); ++older) {
      visit_slot(slots_[ring_.flying(older)]);
    }
    return;
  }
  for (std::uint16_t head = 0; head < ring_.size(); ++head) {
    if (ring_.is_in_flight(head)) {
      visit_slot(slots_[head]);
    }
  }
}

}  // namespace ringside::block
