// Runs in which exactly one thing is wrong, and who broke which requirement by it. Every requirement that a monitor
// watches is in one of these lists; monitor_test.cpp sees to it.
#pragma once

#include <span>

#include "testbench/tests/monitor_log.h"

namespace ringside::checks {

struct Violated {
  const char* name;
  const char* broken;  // role and requirement
  void (*play)(HandLog& log);
  const char* also = nullptr;  // what the other side cannot but break before
};

[[nodiscard]] std::span<const Violated> chain_violations();
[[nodiscard]] std::span<const Violated> device_side_violations();
[[nodiscard]] std::span<const Violated> feature_violations();
[[nodiscard]] std::span<const Violated> pci_violations();
[[nodiscard]] std::span<const Violated> register_violations();

}  // namespace ringside::checks
