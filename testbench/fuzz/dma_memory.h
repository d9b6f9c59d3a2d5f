// DMA memory as separate pieces of the heap, so that a sanitizer sees an access that leaves one, with the driver's
// accounts of what it maps and frees.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "driver/hal/machine.h"

namespace ringside::fuzz {

class DmaMemory {
 public:
  // Null when the buffer would be one too many: a device that asks for huge rings gets no memory for them.
  [[nodiscard]] hal::DmaBuffer alloc(std::size_t size, std::size_t alignment);
  // What is no buffer, or no mapping, ends the program.
  void free(const hal::DmaBuffer& buffer);
  [[nodiscard]] hal::BusAddress map(const void* cpu, std::size_t size, hal::DmaDirection direction);
  void unmap(hal::BusAddress bus, std::size_t size, hal::DmaDirection direction);

  [[nodiscard]] hal::BusAddress bus_of(const void* cpu, std::size_t size) const;
  // For the device. Null unless all of it lies in one buffer.
  [[nodiscard]] std::uint8_t* at(std::uint64_t bus, std::uint64_t size) const;
  // Byte `offset` of the n-th buffer, both taken as often as it needs to be one; null when there is no buffer.
  [[nodiscard]] std::uint8_t* anywhere(std::size_t n, std::size_t offset) const;

  [[nodiscard]] std::size_t buffers() const { return buffers_.size(); }
  [[nodiscard]] std::size_t mappings() const { return mappings_.size(); }

 private:
  struct Release {
    std::align_val_t alignment;
    void operator()(std::uint8_t* memory) const { ::operator delete[](memory, alignment); }
  };
  struct Buffer {
    std::unique_ptr<std::uint8_t[], Release> memory;
    std::uint64_t bus;
    std::size_t size;
  };
  struct Mapping {
    std::uint64_t bus;
    std::size_t size;
    hal::DmaDirection direction;
    [[nodiscard]] bool operator==(const Mapping&) const = default;
  };

  std::vector<Buffer> buffers_;
  std::vector<Mapping> mappings_;
  std::uint64_t next_bus_ = 0x4000'0000;
  std::size_t bytes_ = 0;
};

}  // namespace ringside::fuzz
