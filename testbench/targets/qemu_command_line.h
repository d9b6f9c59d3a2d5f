// How QEMU is started: a PC whose CPU runs what the bench gives it, no devices but its disks, and nothing by name; RAM,
// firmware, disks and sockets are descriptors that it inherits.
#pragma once

#include <string>
#include <vector>

#include "testbench/targets/machine_plan.h"

namespace ringside::targets {

struct QemuLaunch {
  std::string accelerator = "tcg";
  int ram = -1;
  int rom = -1;     // what the CPU starts with; -1: QEMU's own firmware
  int kernel = -1;  // what that firmware then loads; -1: nothing
  int bell = -1;    // where writes to guest::kBellPort go; -1: there is no such port
  int qtest = -1;
  int qmp = -1;
  int gdb = -1;            // its gdbstub's end of a stream, for whose other end the CPU waits; -1: there is none
  std::vector<int> disks;  // none: what is read was never written and what is written is gone, for measuring
  bool counted = false;    // the CPU's clocks count its instructions, a nanosecond each
};

// What QMP knows a disk by: the node that holds its bytes, and the device.
[[nodiscard]] std::string node_of(unsigned unit);
[[nodiscard]] std::string device_id_of(unsigned unit);

// What follows -device: "virtio-blk-pci,id=vd0,...".
[[nodiscard]] std::string device_text(const MachinePlan& plan, unsigned unit);

// The board's optional parts and its disks; drives are named by node_of().
[[nodiscard]] std::vector<std::string> device_arguments(const MachinePlan& plan);

[[nodiscard]] std::vector<std::string> qemu_arguments(const MachinePlan& plan, const QemuLaunch& launch);

}  // namespace ringside::targets
