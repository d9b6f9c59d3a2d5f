// Watches one live virtqueue: what the driver publishes, what it sees come back. Reads the rings and the chains itself,
// from the memory that both sides share, so it believes neither; every index is checked before use. What a split and a
// packed ring have in common is here: chains in flight, and what is in them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <vector>

#include "testbench/trace/defect.h"
#include "testbench/trace/dma_buffers.h"
#include "testbench/trace/payload_hash.h"
#include "testbench/trace/record.h"
#include "testbench/trace/recorder.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::trace {

struct QueueRings {
  std::uint16_t size = 0;      // not 0
  std::uint64_t accepted = 0;  // the device's features
  // Split: descriptors, avail, used. Packed: the ring, the driver's and the device's event suppression area.
  const std::uint8_t* descriptors = nullptr;
  const std::uint8_t* avail = nullptr;
  const std::uint8_t* used = nullptr;
};

// What watches write to, and where they find what rings point at.
struct WatchTools {
  DmaBuffers& buffers;
  PayloadHash& hash;
  Recorder& recorder;
};

class QueueWatch {
 public:
  // Memory of which it wants to hear every access.
  struct Range {
    const std::uint8_t* begin = nullptr;
    std::size_t bytes = 0;
  };

  QueueWatch(const QueueWatch&) = delete;
  QueueWatch& operator=(const QueueWatch&) = delete;
  virtual ~QueueWatch() = default;

  [[nodiscard]] std::uint8_t unit() const { return unit_; }
  [[nodiscard]] std::uint16_t queue() const { return queue_; }
  [[nodiscard]] const std::vector<Range>& ranges() const { return ranges_; }
  // Whether a ring lies in the buffer, which is about to go away.
  [[nodiscard]] bool lies_in(const GuardedBuffer& buffer) const;

  // Whether a load there tells the driver if something new was used.
  [[nodiscard]] virtual bool is_look(const std::uint8_t* address, unsigned size) const = 0;
  virtual void looked(const std::uint8_t* address, unsigned size, std::uint64_t value) = 0;
  // The driver stores to one of the ranges: before the device can see it, and after.
  virtual void before_store(const std::uint8_t* address, unsigned size, std::uint64_t value) = 0;
  virtual void stored(const std::uint8_t* address, unsigned size, std::uint64_t value) = 0;

  // --- Where no access of the driver's is seen, but what it leaves in memory: is there anything new? Asked just before
  // the device looks for itself, and after it has used something. Not to be mixed with the above.
  virtual void look_for_published() = 0;
  virtual void look_for_used() = 0;
  virtual void look_for_suppression() = 0;

 protected:
  // Memory of a chain that the device may write. Kept from publication on: descriptors may be reused afterwards.
  struct Piece {
    const std::uint8_t* cpu = nullptr;  // null: not in one DMA buffer
    std::uint32_t length = 0;
  };
  struct Chain {
    bool in_flight = false;
    std::uint16_t type = kSenseless;
    std::uint32_t ordinal = 0;
    std::uint32_t entries = 0;  // that it takes up in a packed ring
    std::uint64_t sector = 0;
    std::uint64_t writable_bytes = 0;
    std::uint64_t withdrawals = 0;  // of memory, when it was published
    Piece last;                     // of those with bytes in them: it ends with the status
    std::vector<Piece> writable;    // all, where what is in them is hashed
  };
  // What following a chain's descriptors adds up to.
  struct Walk {
    bool sense = true;
    bool indirect = false;
    std::uint32_t descriptors = 0;
    std::uint64_t readable_bytes = 0;
    BlockHeader header{};
    std::uint32_t header_bytes = 0;
    BlockRange range{};  // the first 16 bytes after the header, whatever they mean
    std::uint32_t range_bytes = 0;
    std::uint32_t first_bytes = 0;  // of the first descriptor
    bool any_writable = false;
    std::uint32_t last_writable_bytes = 0;  // of the last descriptor that the device may write to
    std::uint32_t told = 0;                 // defects, by number
  };

  QueueWatch(std::uint8_t unit, std::uint16_t queue, const QueueRings& rings, std::vector<Range> ranges,
             const WatchTools& tools);

  [[nodiscard]] const QueueRings& rings() const { return rings_; }
  [[nodiscard]] const DmaBuffers& buffers() const { return tools_.buffers; }
  [[nodiscard]] bool accepted(unsigned feature) const { return (rings_.accepted >> feature & 1) != 0; }

  // `added` more chains are available, up to `position`; each of them follows.
  void published(std::uint16_t position, std::uint32_t added);
  // The next one. begin_chain, the walk with add_piece, and end_chain; or senseless alone when nothing can be followed.
  [[nodiscard]] Chain& begin_chain(std::uint16_t id);
  void add_piece(std::uint64_t address, std::uint32_t length, bool device_writes, Walk& walk, Chain& chain);
  void end_chain(std::uint16_t id, Chain& chain, Walk& walk);
  void senseless(std::uint16_t id);

  // What is wrong with the chain, each once.
  [[gnu::cold]] void chain_defect(Defect what, Walk& walk, const Chain& chain);
  [[gnu::cold]] void ring_defect(Defect what, std::uint64_t length = 0);
  // Of an indirect table; null outside of memory.
  [[nodiscard]] const std::uint8_t* table_of(std::uint64_t address, std::uint32_t length, Walk& walk,
                                             const Chain& chain);

  // The driver found `added` more used, up to `position`; each of them follows.
  void found(std::uint16_t position, std::uint32_t added);
  // With VIRTIO_F_IN_ORDER a used element stands for all chains up to the one that it names (2.7.9, 2.8.8): how many
  // they are. Without, and for an id that is not in flight, 1.
  [[nodiscard]] std::uint32_t chains_up_to(std::uint32_t id) const;
  // How many entries of a packed ring these take up; 1 when nothing is known of the id.
  [[nodiscard]] std::uint32_t entries_up_to(std::uint32_t id) const;
  void completed_up_to(std::uint32_t id, std::uint32_t length);

  void record_suppression(Kind kind, std::uint64_t value);
  // If it is another than the last one was.
  void look_for_suppression(Kind kind, std::uint16_t value, std::uint32_t& last);

 private:
  void add_writable(const Piece& piece, Walk& walk, Chain& chain);
  void add_readable(const std::uint8_t* cpu, std::uint32_t length, Walk& walk);
  void add_header(const std::uint8_t* cpu, std::uint32_t bytes, Walk& walk);
  void add_payload(const std::uint8_t* cpu, std::uint32_t bytes, Walk& walk);
  [[nodiscard]] bool is_in_flight(std::uint32_t id) const { return id < chains_.size() && chains_[id].in_flight; }
  void completed(std::uint32_t id, std::uint32_t length, bool skipped);
  void judge_chain(const Chain& chain, Walk& walk);
  // Whether it is still where it was published.
  [[nodiscard]] bool is_there(const Piece& piece, const Chain& chain) const;
  [[nodiscard]] std::uint8_t status_of(const Chain& chain) const;
  [[nodiscard]] std::uint64_t hash_of_results(const Chain& chain);

  std::uint8_t unit_;
  std::uint16_t queue_;
  QueueRings rings_;
  std::vector<Range> ranges_;
  WatchTools tools_;
  std::vector<Chain> chains_;        // by id, as many as the highest id so far; an entry is used again, with its memory
  std::deque<std::uint16_t> order_;  // of their publication; with VIRTIO_F_IN_ORDER
  bool again_ = false;               // the id that is being published was in flight already
  std::uint64_t published_ = 0;      // chains since the queue was enabled
  std::uint64_t used_ = 0;
  std::uint32_t idle_looks_ = 0;  // that found nothing, in a row
};

// A device may write ring memory at the same moment, so each field is read once.
template <class T>
[[nodiscard]] T read_shared(const std::uint8_t* at) {
  T value;
  if (reinterpret_cast<std::uintptr_t>(at) % alignof(T) == 0) {
    value = *reinterpret_cast<const volatile T*>(at);
  } else {
    std::memcpy(&value, at, sizeof value);
  }
  return value;
}
[[nodiscard]] inline std::uint16_t read_shared16(const std::uint8_t* at) { return read_shared<std::uint16_t>(at); }
[[nodiscard]] inline std::uint32_t read_shared32(const std::uint8_t* at) { return read_shared<std::uint32_t>(at); }

// A watch for the kind of ring that was negotiated. Null when the rings lie outside of DMA memory.
[[nodiscard]] std::unique_ptr<QueueWatch> make_queue_watch(std::uint8_t unit, std::uint16_t queue, std::uint16_t size,
                                                           std::uint64_t accepted,
                                                           const std::array<std::uint64_t, 3>& addresses,
                                                           const WatchTools& tools);

}  // namespace ringside::trace
