// What a QEMU cannot do, and so which scenarios cannot run on it.
#pragma once

#include <string>

#include "testbench/targets/machine_plan.h"
#include "testbench/targets/qemu_binary.h"

namespace ringside::targets {

class QemuGaps {
 public:
  explicit QemuGaps(const QemuBinary& binary) : binary_(binary) {}

  // Empty when the scenario can run.
  [[nodiscard]] std::string gap_of(const ScenarioPlan& plan) const;

 private:
  [[nodiscard]] std::string gap_of_disk(const DiskPlan& disk) const;
  [[nodiscard]] bool device_has(const std::string& property) const;

  QemuBinary binary_;
  mutable std::string device_help_;
};

}  // namespace ringside::targets
