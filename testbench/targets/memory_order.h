// In which order the driver's accesses to shared memory take effect, as the target's options say:
// `model,memory=weak,without=avail_publish`.
#pragma once

#include <bitset>
#include <string>

#include "driver/hal/memory.h"
#include "testbench/targets/target.h"

namespace ringside::targets {

// What such a run's log says besides: a check of its own, and for how many ns devices held the driver up.
inline constexpr char kNotOverslept[] = "no deadline woke the driver for what an interrupt was due for";
inline constexpr char kTimeHeldUp[] = "time held up";

struct MemoryOrder {
  bool weak = false;                        // as weak_machine.h allows; else as the driver makes them
  std::bitset<hal::kFenceCount> without{};  // barriers that the driver calls and that are not there, by hal::Fence

  [[nodiscard]] bool as_written() const { return !weak && without.none(); }
  // For the log.
  [[nodiscard]] std::string text() const;
};

// Of a target that has the options `memory` and `without`. Throws InputError.
[[nodiscard]] MemoryOrder memory_order(const TargetSpec& spec);

}  // namespace ringside::targets
