// Bus addresses of data that needs no mapping: a comparison and an addition, where map() is a call for every segment.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver/hal/machine.h"

namespace ringside::block {

class DirectDma {
 public:
  DirectDma() = default;
  explicit DirectDma(const hal::DirectDma& memory)
      : start_(reinterpret_cast<std::uintptr_t>(memory.cpu)),
        size_(memory.cpu == nullptr ? 0 : memory.size),
        to_bus_(hal::raw(memory.bus) - start_) {}

  [[nodiscard]] bool present() const { return size_ != 0; }

  // kInvalidBusAddress when a byte of it lies elsewhere.
  [[nodiscard]] hal::BusAddress address_of(const void* cpu, std::size_t size) const {
    return size <= size_ && holds(cpu, size) ? bus_of(cpu) : hal::kInvalidBusAddress;
  }

  // The same in two steps. `size` is at most size().
  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] bool holds(const void* cpu, std::size_t size) const {
    return reinterpret_cast<std::uintptr_t>(cpu) - start_ <= size_ - size;
  }
  [[nodiscard]] hal::BusAddress bus_of(const void* cpu) const {
    return hal::BusAddress{reinterpret_cast<std::uintptr_t>(cpu) + to_bus_};
  }

 private:
  std::uintptr_t start_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t to_bus_ = 0;  // what is added to an address, modulo 2^64
};

}  // namespace ringside::block
