#include "testbench/targets/qemu_qmp.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "testbench/targets/harness.h"
#include "testbench/targets/qemu_command_line.h"

namespace ringside::targets {

Qmp::Qmp(QemuProcess& process, LineChannel channel, const RunClock& clock)
    : process_(process), channel_(std::move(channel)), clock_(clock) {}

bool Qmp::resize_disk(unsigned unit, std::uint64_t bytes) {
  return execute({{"execute", "block_resize"}, {"arguments", {{"node-name", node_of(unit)}, {"size", bytes}}}})
      .has_value();
}

bool Qmp::done(const nlohmann::json& command) { return execute(command).has_value(); }

std::string Qmp::command_line(const std::string& command) {
  const auto answer = execute({{"execute", "human-monitor-command"}, {"arguments", {{"command-line", command}}}});
  return answer && answer->is_string() ? answer->get<std::string>() : "refused";
}

std::optional<std::uint64_t> Qmp::number(const std::string& object, const std::string& property) {
  const auto answer = execute({{"execute", "qom-get"}, {"arguments", {{"path", object}, {"property", property}}}});
  return answer && answer->is_number_unsigned() ? std::optional(answer->get<std::uint64_t>()) : std::nullopt;
}

bool Qmp::has_object(const std::string& object) {
  return execute({{"execute", "qom-list"}, {"arguments", {{"path", object}}}}).has_value();
}

nlohmann::json Qmp::virtio_status(const std::string& object) {
  return execute({{"execute", "x-query-virtio-status"}, {"arguments", {{"path", object}}}})
      .value_or(nlohmann::json::object());
}

nlohmann::json Qmp::virtio_queue_status(const std::string& object, unsigned queue) {
  return execute({{"execute", "x-query-virtio-queue-status"}, {"arguments", {{"path", object}, {"queue", queue}}}})
      .value_or(nlohmann::json::object());
}

std::string Qmp::run_state() {
  const auto answer = execute({{"execute", "query-status"}});
  return answer && answer->is_object() ? answer->value("status", "") : "";
}

void Qmp::stop() { (void)execute({{"execute", "stop"}}); }

void Qmp::greet() {
  if (!std::exchange(greeted_, true)) {
    if (!read_object().contains("QMP") || !execute({{"execute", "qmp_capabilities"}})) {
      throw RunAborted(process_.obituary("does not speak QMP"));
    }
  }
}

std::optional<nlohmann::json> Qmp::execute(const nlohmann::json& command) {
  greet();
  try {
    channel_.send(command.dump() + '\n', clock_.answer_deadline());
  } catch (const ChannelError& problem) {
    throw RunAborted(process_.obituary(problem.what()));
  }
  for (;;) {
    const nlohmann::json answer = read_object();
    if (answer.contains("return")) {
      return answer["return"];
    }
    if (answer.contains("error")) {
      return std::nullopt;
    }
    clock_.check();  // it was an event; there is no end to those
  }
}

nlohmann::json Qmp::read_object() {
  try {
    nlohmann::json object = nlohmann::json::parse(channel_.read_line(clock_.answer_deadline()), nullptr, false);
    if (object.is_object()) {
      return object;
    }
  } catch (const ChannelError& problem) {
    throw RunAborted(process_.obituary(problem.what()));
  }
  throw RunAborted(process_.obituary("answered no JSON object on its monitor"));
}

}  // namespace ringside::targets
