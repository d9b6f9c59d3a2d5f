// A recorded run as a program of its own, for a plain QEMU and without the bench: a shell script, and a test for QEMU's
// libqtest. Both do what the driver did, wait for what the device did, and say where it did something else.
#pragma once

#include <string>
#include <vector>

#include "testbench/targets/qtest_recording.h"

namespace ringside::cli {

struct Reproducer {
  std::string name;
  std::string summary;
  std::string clause;                     // may be empty
  std::string recorded_on;                // which QEMU
  std::string machine;                    // its type
  std::vector<std::uint64_t> disk_bytes;  // of each disk: all zeroes, and named disk0, disk1, ...
  std::vector<bool> disk_read_only;       // likewise
  std::vector<std::string> device_arguments;
  std::uint64_t ram_bytes = 0;
};

[[nodiscard]] std::string shell_script(const Reproducer& what, const std::vector<targets::QtestStep>& steps);
[[nodiscard]] std::string libqtest_source(const Reproducer& what, const std::vector<targets::QtestStep>& steps);

}  // namespace ringside::cli
