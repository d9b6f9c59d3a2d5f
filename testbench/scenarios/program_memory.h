// Shared memory as a program touches it: by the policy that the run has, chosen when it runs. Where a program speaks of
// memory at all, it is to be seen in the log what it did.
#pragma once

#include "driver/hal/memory.h"

namespace ringside::scenarios {

class ProgramMemory {
 public:
  explicit ProgramMemory(hal::Observer* observer) : observer_(observer) {}

  template <hal::SharedWord T>
  [[nodiscard]] T load(const T* address) const {
    return observer_ != nullptr ? hal::Observed(*observer_).load(address) : hal::Plain{}.load(address);
  }
  template <hal::SharedWord T>
  void store(T* address, T value) const {
    observer_ != nullptr ? hal::Observed(*observer_).store(address, value) : hal::Plain{}.store(address, value);
  }
  template <hal::Fence kFence>
  void fence() const {
    observer_ != nullptr ? hal::Observed(*observer_).template fence<kFence>() : hal::Plain{}.template fence<kFence>();
  }

 private:
  hal::Observer* observer_;
};

}  // namespace ringside::scenarios
