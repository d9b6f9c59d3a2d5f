// What the driver gets done against QEMU's own device, over a disk that costs nothing (null-co): as a guest on QEMU's
// CPU, and over qtest. And what it costs in instructions, which an emulated CPU can count.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ringside::cli {

// A row of the benchmarks' document.
struct Measured {
  std::string name;
  std::string unit;
  std::vector<double> values;
};

// Measurements that share a run of the bench, so that they can be compared.
struct QemuBench {
  std::string name;  // "null_read4k", as a user chooses it
  std::vector<std::string> rows;
  std::vector<Measured> (*measure)();
};

[[nodiscard]] const std::vector<QemuBench>& qemu_benches();
// Throws targets::LackingError when this machine cannot run them.
void require_qemu_benches();

}  // namespace ringside::cli
