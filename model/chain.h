// What a device takes out of a virtqueue, split or packed: a chain of buffers, checked, in bus addresses.
#pragma once

#include <array>
#include <cstdint>

#include "model/dma_port.h"
#include "model/virtio.h"

namespace ringside::model {

inline constexpr std::uint16_t kQueueSizeMax = 32768;  // 2.7 and 2.8: no queue is larger
inline constexpr std::uint16_t kMaxChain = 1024;       // descriptors that this device takes in one chain

inline constexpr std::uint64_t kMaxChainBytes = 0xffff'ffff;  // 2.7.4: no more than 4 GiB; a used length must hold it

// One piece of a chain.
struct Segment {
  std::uint64_t address;
  std::uint32_t size;
};

// By what the driver knows a chain, and how much of the ring it takes until it is used.
struct Token {
  std::uint16_t id = 0;     // split: the head's index; packed: the buffer id
  std::uint16_t slots = 1;  // split: one element of the used ring; packed: descriptors to skip
};

// A chain as fetched: readable segments first, then writable ones.
struct Chain {
  Segment* segments = nullptr;  // room for kMaxChain, given by the caller
  std::uint16_t readable = 0;
  std::uint16_t writable = 0;
  std::uint64_t readable_bytes = 0;
  std::uint64_t writable_bytes = 0;
  Token token;
  std::uint64_t bounced = 0;  // bytes of segments that are not in RAM

  // False when it must not follow what is there already.
  [[nodiscard]] bool add(DmaPort& dma, std::uint64_t address, std::uint32_t length, std::uint16_t flags) {
    const bool is_writable = (flags & VIRTQ_DESC_F_WRITE) != 0;
    const auto count = static_cast<std::uint16_t>(readable + writable);
    const bool readable_after_writable = !is_writable && writable != 0;  // 2.7.4.2, 2.8.5
    if (count == kMaxChain || readable_after_writable || length == 0 || !reachable(dma, address, length) ||
        readable_bytes + writable_bytes + length > kMaxChainBytes) {
      return false;
    }
    segments[count] = {address, length};
    (is_writable ? writable : readable) += 1;
    (is_writable ? writable_bytes : readable_bytes) += length;
    return true;
  }

 private:
  [[nodiscard]] bool reachable(DmaPort& dma, std::uint64_t address, std::uint32_t length) {
    if (dma.in_ram(address, length)) {
      return true;
    }
    const bool bounces = dma.bounces(address, length, bounced);
    bounced += dma.absent(address, length);
    return bounces;
  }
};

// Where the parts of a ring lie.
struct RingPlace {
  std::uint16_t size = 0;
  std::uint64_t desc = 0;
  std::uint64_t driver = 0;
  std::uint64_t device = 0;
  [[nodiscard]] bool operator==(const RingPlace&) const = default;
};

// How many chains wait in a ring: none, at least one, or more than it can hold, or the ring cannot be read.
enum class Look : std::uint8_t { nothing, something, malformed };

// Where an indirect table is kept while it is read: fetched once, so that the driver cannot change it under the device.
// One for all queues of a device. Both kinds of descriptor have 16 bytes.
union IndirectTable {
  std::array<VirtqDesc, kMaxChain> split;
  std::array<PvirtqDesc, kMaxChain> packed;
};

}  // namespace ringside::model
