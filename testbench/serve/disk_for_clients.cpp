#include "testbench/serve/disk_for_clients.h"

#include <fmt/core.h>

#include <optional>
#include <string>
#include <vector>

#include "testbench/serve/client_watch.h"
#include "testbench/serve/listener.h"
#include "testbench/serve/served_disk.h"
#include "testbench/serve/served_faults.h"
#include "testbench/serve/server.h"
#include "testbench/targets/disk_image.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/model_disk.h"
#include "testbench/targets/model_recorder.h"
#include "testbench/targets/model_settings.h"

namespace ringside::serve {
namespace {

constexpr std::uint64_t kSectorBytes = 512;

targets::DiskPlan plan_of(const targets::RunSettings& settings) {
  const targets::MachinePlan plan = targets::plan_machine(settings);
  if (plan.disks.size() != 1 || plan.disks.front().given.ide()) {
    throw targets::InputError("expected one disk, and no ide: what is served is a virtio function");
  }
  return plan.disks.front();
}

// A log holds the device's side, and of the driver's what can be seen from here. Faults are named by what is in it.
class ServedRuns final : public Attendant {
 public:
  ServedRuns(ServedDisk& disk, const ServedSetup& setup, ClientLog* log, const faults::Plan* plan)
      : disk_(disk), setup_(setup), log_(log), plan_(plan) {}

  void client_came() override {
    if (log_ != nullptr) {
      record(log_->begin());
    }
    disk_.power_on(setup_);
    if (watch_) {
      watch_->power_on();
    }
    if (faults_) {
      faults_->power_on();
    }
  }
  vfio_user::Device& device() override {
    if (watch_) {
      return *watch_;
    }
    return disk_;
  }
  void settled() override {
    if (faults_) {
      faults_->settle();
    }
    if (recorder_) {
      recorder_->pass_on_until(disk_.now() / model::kPicosecondsPerNanosecond);
    }
  }
  void client_left() override {
    if (recorder_) {
      recorder_->finish();
      log_->end(faults_ ? faults_->counts() : std::vector<faults::FaultCount>{});
    }
  }

 private:
  void record(trace::Sink& sink) {
    recorder_.emplace(sink);
    if (plan_ != nullptr) {
      faults_.emplace(*plan_, disk_, *recorder_);
      watch_.emplace(disk_, recorder_->disk(0), *faults_);
    } else {
      watch_.emplace(disk_, recorder_->disk(0), *recorder_);
    }
    setup_.tap = &*watch_;
  }

  ServedDisk& disk_;
  ServedSetup setup_;
  ClientLog* log_;
  const faults::Plan* plan_;
  std::optional<targets::ModelRecorder> recorder_;
  std::optional<ServedFaults> faults_;
  std::optional<ClientWatch> watch_;
};

}  // namespace

bool serve(const Order& order, const Notice& notice) {
  if (order.faults != nullptr) {
    if (const std::string gap = ServedFaults::gap(*order.faults); !gap.empty()) {
      throw targets::InputError(gap);
    }
  }
  const targets::DiskPlan plan = plan_of(order.settings);
  const targets::DiskImage image = targets::DiskImage::named(plan.image, order.settings.write_through);
  targets::ModelDisk storage(image, order.settings.write_through);
  const ServedSetup setup{{&storage.storage(), image.bytes() / kSectorBytes, plan.properties.serial},
                          plan.properties,
                          targets::model_latencies(order.settings),
                          nullptr,
                          order.pace};
  Listener listener(order.socket);
  ServedDisk& disk = ServedDisk::instance();
  ServedRuns runs(disk, setup, order.log, order.faults);
  Server server(listener, disk, runs, notice);
  notice(fmt::format("serving {} sectors of {} at {}", setup.disk.sectors, plan.image, listener.path()));
  return server.run({order.once});
}

}  // namespace ringside::serve
