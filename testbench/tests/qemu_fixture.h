// What tests of the qemu target share: a QEMU to run, or the reason why they cannot.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "testbench/targets/disk_image.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/qemu_binary.h"
#include "testbench/targets/qemu_machine.h"

namespace ringside::targets {

class QemuTest : public testing::Test {
 protected:
  void SetUp() override {
    if (default_qemu_path().empty()) {
      GTEST_SKIP() << kDefaultQemu << " is not installed: apt install qemu-system-x86";
    }
  }

  [[nodiscard]] QemuMachine power_on(std::chrono::seconds timeout = std::chrono::seconds(60)) {
    return QemuMachine(default_qemu_path(), plan_machine(RunSettings{}), {&disk_, 1}, timeout);
  }

  DiskImage disk_ = DiskImage::generated(1u << 20, 1);
};

}  // namespace ringside::targets
