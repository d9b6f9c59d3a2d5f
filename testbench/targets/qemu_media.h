// Media errors of a disk in QEMU, by its blkdebug filter, which is put between the disk and its image while the machine
// runs.
#pragma once

#include <map>
#include <string>

#include "testbench/faults/plan.h"
#include "testbench/targets/qemu_qmp.h"

namespace ringside::targets {

class QemuMedia {
 public:
  explicit QemuMedia(Qmp& qmp) : qmp_(qmp) {}
  // From now on requests fail as the fault says. False when QEMU refuses.
  [[nodiscard]] bool fail(unsigned unit, bool read_only, const faults::Fault& fault);

 private:
  Qmp& qmp_;
  std::map<unsigned, std::string> below_;  // by unit: the node under the disk's own, of those that were put there
  unsigned filters_ = 0;
};

}  // namespace ringside::targets
