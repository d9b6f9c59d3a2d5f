// The bench's end of QMP, QEMU's control protocol: for what only QEMU's monitor can do.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "testbench/targets/qemu_line_channel.h"
#include "testbench/targets/qemu_process.h"
#include "testbench/targets/qemu_qtest.h"

namespace ringside::targets {

class Qmp {
 public:
  Qmp(QemuProcess& process, LineChannel channel, const RunClock& clock);

  // False when QEMU refuses. Throws RunAborted when it dies, stops answering or answers nonsense.
  [[nodiscard]] bool resize_disk(unsigned unit, std::uint64_t bytes);

 private:
  void greet();
  [[nodiscard]] bool execute(const nlohmann::json& command);
  [[nodiscard]] nlohmann::json read_object();

  QemuProcess& process_;
  LineChannel channel_;
  const RunClock& clock_;
  bool greeted_ = false;  // on first use: most runs need no monitor
};

}  // namespace ringside::targets
