// What the registers of a virtio device say while something is wrong with them: which of them a fault is about, and
// what the driver reads there.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "testbench/faults/plan.h"
#include "testbench/trace/pci_shadow.h"

namespace ringside::faults {

[[nodiscard]] bool is_status(const trace::BarLocation& where, unsigned width);

class RegisterFaults {
 public:
  // What the driver writes decides what a later read means.
  void written(const trace::BarLocation& where, std::uint32_t value);

  // What the driver gets in place of `value` under a fault that is armed; nothing when the fault is not about this
  // register. `left`: how often it will still happen.
  [[nodiscard]] std::optional<std::uint32_t> read(const Fault& fault, std::uint64_t left,
                                                  const trace::BarLocation& where, unsigned width,
                                                  std::uint32_t value) const;
  // What the device gets in place of `value`.
  [[nodiscard]] static std::optional<std::uint32_t> write(const Fault& fault, const trace::BarLocation& where,
                                                          unsigned width, std::uint32_t value);

 private:
  std::map<std::uint8_t, std::uint32_t> feature_select_;  // by unit
};

}  // namespace ringside::faults
