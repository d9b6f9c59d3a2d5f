// What locations held since the last acquire: the values that a CPU which loads early may have loaded. Kept of memory
// that the driver has loaded from before, for what it will load next is not known; and by comparing it with a copy, for
// who writes it does not say so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ringside::targets {

class PastValues {
 public:
  // From now on; the memory stays until forget().
  void watch(const std::uint8_t* begin, std::size_t bytes);
  void forget(const void* begin, std::size_t bytes);

  // Devices may have written: what has changed is kept as it was.
  void note_changes();
  // The CPU's own store became visible there. No later load of it sees what was before (coherence).
  void wrote(const void* address, unsigned size);
  // An acquire: later loads see what is there now, or newer.
  void acquire() { changes_.clear(); }

  // How many older values a load of this may still give.
  [[nodiscard]] std::size_t older(const void* address, unsigned size) const;
  // The n-th, from the oldest; or what is there now when there are not that many. Later loads of it see no older one.
  [[nodiscard]] std::uint64_t load(const void* address, unsigned size, std::size_t nth);
  // Puts back what watched memory held at the last acquire: for somebody who loads it unobserved.
  void restore(std::uint8_t* begin, std::size_t bytes) const;

 private:
  struct Memory {
    const std::uint8_t* begin = nullptr;
    std::vector<std::uint8_t> copy;
  };
  struct Change {
    const std::uint8_t* byte = nullptr;
    std::uint8_t before = 0;
    std::uint64_t when = 0;  // what happened at once has one number
  };

  void note_changes(Memory& memory);
  // When any of these bytes changed, in order, each time once.
  [[nodiscard]] std::vector<std::uint64_t> times(const std::uint8_t* at, unsigned size) const;

  std::vector<Memory> memories_;
  std::vector<Change> changes_;  // since the last acquire, the oldest first
  std::uint64_t now_ = 0;
};

}  // namespace ringside::targets
