// A server of this program's own, for one run: `ringside serve` in a process of its own, with the run's disk.
#pragma once

#include <memory>
#include <string>

#include "testbench/targets/descriptor.h"
#include "testbench/targets/disk_image.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/qemu_process.h"

namespace boost::asio {
class io_context;
}

namespace ringside::targets {

class VfioUserServer {
 public:
  // `image` outlives it. Throws RunAborted when it cannot be started.
  VfioUserServer(const DiskPlan& plan, const DiskImage& image);
  ~VfioUserServer();
  VfioUserServer(const VfioUserServer&) = delete;
  VfioUserServer& operator=(const VfioUserServer&) = delete;

  // Once.
  [[nodiscard]] Descriptor connect();

 private:
  void remove_directory() const;

  std::unique_ptr<boost::asio::io_context> context_;
  std::string directory_;  // of the socket
  std::unique_ptr<QemuProcess> process_;
};

}  // namespace ringside::targets
