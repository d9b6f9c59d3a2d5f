// How QEMU is started: a PC with an inert CPU, no devices but a virtio disk, and nothing by name; RAM, firmware, disk
// and sockets are descriptors that it inherits.
#pragma once

#include <string>
#include <vector>

namespace ringside::targets {

struct QemuLaunch {
  std::string machine;
  int ram = -1;
  int rom = -1;
  int disk = -1;
  int qtest = -1;
  int qmp = -1;
};

// The node that QMP's block_resize names.
inline constexpr char kDiskNode[] = "disk0";

[[nodiscard]] std::vector<std::string> qemu_arguments(const QemuLaunch& launch);

}  // namespace ringside::targets
