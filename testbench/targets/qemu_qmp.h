// The bench's end of QMP, QEMU's control protocol: for what only QEMU's monitor can do.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "testbench/targets/qemu_line_channel.h"
#include "testbench/targets/qemu_process.h"
#include "testbench/targets/qemu_qtest.h"

namespace ringside::targets {

class Qmp {
 public:
  Qmp(QemuProcess& process, LineChannel channel, const RunClock& clock);

  // All of these throw RunAborted when QEMU dies, stops answering or answers nonsense.
  // False when QEMU refuses.
  [[nodiscard]] bool resize_disk(unsigned unit, std::uint64_t bytes);
  [[nodiscard]] bool done(const nlohmann::json& command);
  // The command of the human monitor, whose arguments are those of the command line; what it answers is a complaint.
  [[nodiscard]] std::string command_line(const std::string& command);
  // A number that an object of QEMU's has for a property.
  [[nodiscard]] std::optional<std::uint64_t> number(const std::string& object, const std::string& property);
  [[nodiscard]] bool has_object(const std::string& object);
  // What a virtio device, an object of QEMU's, keeps to itself, and one of its queues; see qemu_inner_state.h. An empty
  // object when QEMU refuses.
  [[nodiscard]] nlohmann::json virtio_status(const std::string& object);
  [[nodiscard]] nlohmann::json virtio_queue_status(const std::string& object, unsigned queue);
  // Of the CPU: "running", "paused", "shutdown" after a triple fault.
  [[nodiscard]] std::string run_state();
  void stop();

 private:
  void greet();
  // What the command returns; nothing when QEMU refuses it.
  [[nodiscard]] std::optional<nlohmann::json> execute(const nlohmann::json& command);
  [[nodiscard]] nlohmann::json read_object();

  QemuProcess& process_;
  LineChannel channel_;
  const RunClock& clock_;
  bool greeted_ = false;  // on first use: most runs need no monitor
};

}  // namespace ringside::targets
