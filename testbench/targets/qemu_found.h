// The QEMU that a target runs on, tried before the first scenario.
#pragma once

#include <string>

#include "testbench/targets/qemu_binary.h"
#include "testbench/targets/target.h"

namespace ringside::targets {

struct QemuFound {
  QemuBinary binary;
  std::string machine;  // its type, without a scenario's own wishes

  // "QEMU 7.2.22 (Debian ...) pc-i440fx-7.2 /usr/bin/qemu-system-x86_64"
  [[nodiscard]] std::string identity() const;
};

// By the target's option binary=PATH. Throws InputError for a bad one, for a machine type that it lacks and for one
// that cannot serve, LackingError when none is installed.
[[nodiscard]] QemuFound find_usable_qemu(const TargetSpec& spec, const RunSettings& settings);

// The name of what it departs from the specification in: "qemu-7.2".
[[nodiscard]] std::string quirks_of_qemu(const QemuBinary& binary);

// The options and lacks that all targets on QEMU have.
[[nodiscard]] TargetSummary summary_on_qemu();

}  // namespace ringside::targets
