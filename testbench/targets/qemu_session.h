// A QEMU that runs, with the bench's ends of its sockets: qtest for what a device on the bus would do, QMP for its
// monitor.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "testbench/targets/descriptor.h"
#include "testbench/targets/disk_image.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/qemu_command_line.h"
#include "testbench/targets/qemu_process.h"
#include "testbench/targets/qemu_qmp.h"
#include "testbench/targets/qemu_qtest.h"

namespace boost::asio {
class io_context;
}

namespace ringside::targets {

// Two ends of a stream that has no name.
struct SocketPair {
  Descriptor ours;
  Descriptor theirs;
};
[[nodiscard]] SocketPair make_sockets();  // throws std::system_error

class QemuSession {
 public:
  // `launch` says what its QEMU has beside disks and sockets, which are filled in here. Throws RunAborted when it
  // cannot be started. Use it in the thread that made it, see QemuProcess.
  QemuSession(const std::string& binary, const MachinePlan& plan, std::span<const DiskImage> disks, QemuLaunch launch,
              const RunClock& clock, LineListener& lines);
  ~QemuSession();
  QemuSession(const QemuSession&) = delete;
  QemuSession& operator=(const QemuSession&) = delete;

  [[nodiscard]] QemuProcess& process() { return *process_; }
  [[nodiscard]] const QemuProcess& process() const { return *process_; }
  [[nodiscard]] Qtest& qtest() { return *qtest_; }
  [[nodiscard]] Qmp& qmp() { return *qmp_; }

 private:
  std::unique_ptr<boost::asio::io_context> context_;
  std::optional<QemuProcess> process_;
  std::optional<Qtest> qtest_;
  std::optional<Qmp> qmp_;
};

}  // namespace ringside::targets
