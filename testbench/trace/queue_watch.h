// Watches one live split virtqueue: what the driver publishes, what it sees come back. Reads the rings and the chains
// itself, from the memory that both sides share, so it believes neither; every index is checked before use.
#pragma once

#include <cstdint>
#include <vector>

#include "testbench/trace/dma_buffers.h"
#include "testbench/trace/hash.h"
#include "testbench/trace/record.h"
#include "testbench/trace/recorder.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::trace {

struct QueueRings {
  std::uint16_t size = 0;  // not 0
  const std::uint8_t* descriptors = nullptr;
  const std::uint8_t* avail = nullptr;
  const std::uint8_t* used = nullptr;
};

class QueueWatch {
 public:
  QueueWatch(std::uint8_t unit, std::uint16_t queue, const QueueRings& rings, DmaBuffers& buffers, HashStream& hash,
             Recorder& recorder);

  [[nodiscard]] std::uint8_t unit() const { return unit_; }
  [[nodiscard]] std::uint16_t queue() const { return queue_; }
  [[nodiscard]] bool is_used_index(const void* address) const { return address == rings_.used + kRingIndex; }
  // Whether a ring lies in the buffer, which is about to go away.
  [[nodiscard]] bool lies_in(const GuardedBuffer& buffer) const;

  // The driver stored to memory; true when that was in this queue's avail ring.
  bool stored(const void* address, std::uint64_t value);
  // The driver read used.idx.
  void looked(std::uint16_t index);

 private:
  // Memory of a chain that the device may write. Kept from publication on: descriptors may be reused afterwards.
  struct Piece {
    const std::uint8_t* cpu = nullptr;  // null: not in one DMA buffer
    std::uint32_t length = 0;
  };
  // The chain in flight under a head descriptor.
  struct Chain {
    bool in_flight = false;
    std::uint32_t ordinal = 0;
    std::uint16_t type = kSenseless;
    std::uint64_t sector = 0;
    std::uint64_t writable_bytes = 0;
    std::vector<Piece> writable;
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
  };

  void published(std::uint16_t index);
  void request(std::uint16_t head);
  [[nodiscard]] Walk walk(std::uint16_t head, Chain& chain);
  void add_piece(const Descriptor& descriptor, Walk& walk, Chain& chain);
  void add_readable(const std::uint8_t* cpu, std::uint32_t length, Walk& walk);
  void completed(std::uint32_t id, std::uint32_t length);
  void read_results(const Chain& chain, Record& record);

  std::uint8_t unit_;
  std::uint16_t queue_;
  QueueRings rings_;
  DmaBuffers& buffers_;
  HashStream& hash_;
  Recorder& recorder_;
  std::vector<Chain> chains_;  // by head
  std::uint16_t avail_index_ = 0;
  std::uint16_t used_index_ = 0;
  std::uint64_t published_ = 0;  // chains since the queue was enabled
  std::uint64_t used_ = 0;
  std::uint32_t idle_looks_ = 0;  // that found nothing, in a row
};

}  // namespace ringside::trace
