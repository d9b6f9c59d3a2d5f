// A driver's memory in which some barriers are not there, though the driver calls them.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>

#include "driver/hal/memory.h"

namespace ringside::targets {

class MissingFences final : public hal::Observer {
 public:
  MissingFences(hal::Observer& inner, std::bitset<hal::kFenceCount> missing) : inner_(inner), missing_(missing) {}

  std::uint64_t load(const void* address, unsigned size) override { return inner_.load(address, size); }
  void store(void* address, unsigned size, std::uint64_t value) override { inner_.store(address, size, value); }
  void fence(hal::Fence fence) override {
    if (!missing_[static_cast<std::size_t>(fence)]) {
      inner_.fence(fence);
    }
  }

 private:
  hal::Observer& inner_;
  std::bitset<hal::kFenceCount> missing_;
};

}  // namespace ringside::targets
