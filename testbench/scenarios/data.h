// Data for scenarios: DMA buffers and patterns.
#pragma once

#include <cstddef>
#include <cstdint>

#include "testbench/scenarios/context.h"

namespace ringside::scenarios {

// A DMA buffer that gives itself back.
class Buffer {
 public:
  Buffer(Context& context, std::size_t size, std::size_t alignment = 512)
      : machine_(context.machine()), buffer_(machine_.alloc_dma_buffer(size, alignment)) {
    context.check(buffer_.cpu != nullptr, "there is DMA memory");
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() {
    if (buffer_.cpu != nullptr) {
      machine_.free_dma_buffer(buffer_);
    }
  }

  [[nodiscard]] bool valid() const { return buffer_.cpu != nullptr; }
  [[nodiscard]] std::size_t size() const { return buffer_.size; }
  [[nodiscard]] std::uint8_t* data(std::size_t offset = 0) const {
    return static_cast<std::uint8_t*>(buffer_.cpu) + offset;
  }

 private:
  hal::Machine& machine_;
  hal::DmaBuffer buffer_;
};

// Fills with bytes that depend on the key and on the position: a misplaced sector shows. `size` is a multiple of 8.
void fill(std::uint8_t* data, std::size_t size, std::uint64_t key);
[[nodiscard]] bool is_filled(const std::uint8_t* data, std::size_t size, std::uint64_t key);
[[nodiscard]] bool is_zero(const std::uint8_t* data, std::size_t size);

// A random place for `sectors` sectors; 0 on a disk that is smaller.
[[nodiscard]] std::uint64_t random_place(Context& context, std::uint64_t disk_sectors, std::uint64_t sectors);

}  // namespace ringside::scenarios
