#include "testbench/fuzz/dma_memory.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "testbench/fuzz/finding.h"

namespace ringside::fuzz {
namespace {

constexpr std::size_t kMostBytes = 8u << 20;
constexpr std::uint64_t kPage = 0x1'0000;  // between buffers, so that no two are neighbours on the bus

}  // namespace

hal::DmaBuffer DmaMemory::alloc(std::size_t size, std::size_t alignment) {
  if (size > kMostBytes - bytes_) {
    return {};
  }
  const auto align = std::align_val_t{alignment};
  auto* const memory = static_cast<std::uint8_t*>(::operator new[](size, align));
  std::memset(memory, 0, size);
  buffers_.push_back({{memory, Release{align}}, next_bus_, size});
  next_bus_ += (size + 2 * kPage) / kPage * kPage;
  bytes_ += size;
  return {memory, hal::BusAddress{buffers_.back().bus}, size};
}

void DmaMemory::free(const hal::DmaBuffer& buffer) {
  const auto found = std::ranges::find_if(buffers_, [&](const Buffer& known) {
    return known.memory.get() == buffer.cpu && known.bus == hal::raw(buffer.bus) && known.size == buffer.size;
  });
  require(found != buffers_.end(), "the driver freed a DMA buffer that it does not have");
  bytes_ -= found->size;
  buffers_.erase(found);
}

hal::BusAddress DmaMemory::map(const void* cpu, std::size_t size, hal::DmaDirection direction) {
  const hal::BusAddress bus = bus_of(cpu, size);
  if (bus != hal::kInvalidBusAddress) {
    mappings_.push_back({hal::raw(bus), size, direction});
  }
  return bus;
}

void DmaMemory::unmap(hal::BusAddress bus, std::size_t size, hal::DmaDirection direction) {
  const auto found = std::ranges::find(mappings_, Mapping{hal::raw(bus), size, direction});
  require(found != mappings_.end(), "the driver unmapped what it had not mapped like that");
  mappings_.erase(found);
}

hal::BusAddress DmaMemory::bus_of(const void* cpu, std::size_t size) const {
  const auto wanted = reinterpret_cast<std::uintptr_t>(cpu);
  for (const Buffer& buffer : buffers_) {
    const auto start = reinterpret_cast<std::uintptr_t>(buffer.memory.get());
    if (wanted >= start && wanted - start <= buffer.size && size <= buffer.size - (wanted - start)) {
      return hal::BusAddress{buffer.bus + (wanted - start)};
    }
  }
  return hal::kInvalidBusAddress;
}

std::uint8_t* DmaMemory::at(std::uint64_t bus, std::uint64_t size) const {
  for (const Buffer& buffer : buffers_) {
    if (bus >= buffer.bus && bus - buffer.bus <= buffer.size && size <= buffer.size - (bus - buffer.bus)) {
      return buffer.memory.get() + (bus - buffer.bus);
    }
  }
  return nullptr;
}

std::uint8_t* DmaMemory::anywhere(std::size_t n, std::size_t offset) const {
  if (buffers_.empty()) {
    return nullptr;
  }
  const Buffer& buffer = buffers_[n % buffers_.size()];
  return buffer.memory.get() + offset % std::max<std::size_t>(buffer.size, 1);
}

}  // namespace ringside::fuzz
