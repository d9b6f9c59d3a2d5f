#include "testbench/targets/vfio_user_target.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <span>
#include <utility>
#include <vector>

#include "testbench/targets/harness.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/model_settings.h"
#include "testbench/targets/vfio_user_machine.h"
#include "testbench/targets/vfio_user_places.h"
#include "testbench/targets/vfio_user_server.h"
#include "testbench/vfio_user/client.h"

namespace ringside::targets {
namespace {

constexpr unsigned kCanAsk = scenarios::asking(scenarios::Ask::unplug) | scenarios::asking(scenarios::Ask::plug) |
                             scenarios::asking(scenarios::Ask::disk_sectors) | scenarios::asking(scenarios::Ask::calm);

class VfioUserHooks final : public RunHooks {
 public:
  VfioUserHooks(VfioUserMachine& machine, std::span<const DiskImage> images) : machine_(machine), images_(images) {}

  std::uint64_t ask(scenarios::Ask what, std::uint64_t argument) override {
    const auto unit = static_cast<unsigned>(std::min<std::uint64_t>(argument, images_.size()));
    switch (what) {
      case scenarios::Ask::disk_sectors:
        return unit < images_.size() ? images_[unit].bytes() / block::kSectorSize : scenarios::kNotAvailable;
      case scenarios::Ask::unplug:
        return machine_.unplug(unit) ? 1 : scenarios::kNotAvailable;
      case scenarios::Ask::plug:
        return machine_.plug(unit) ? 1 : scenarios::kNotAvailable;
      default:
        return scenarios::kNotAvailable;
    }
  }
  // The server shows what it shows, when it does.
  void before_look(std::uint8_t, std::uint16_t) override {}

 private:
  VfioUserMachine& machine_;
  std::span<const DiskImage> images_;
};

std::string gap_of(const ScenarioPlan& plan, const RunSettings& settings) {
  if (!plan.gap.empty()) {
    return plan.gap;
  }
  if (plan.firmware) {
    return firmware_gap(plan);
  }
  if ((plan.asks & ~kCanAsk) != 0) {
    return "whoever serves a disk is asked for nothing but what the driver asks it for";
  }
  if (std::ranges::any_of(plan.machine.disks, [](const DiskPlan& disk) { return disk.given.ide(); })) {
    return "a disk on the IDE controller is no function to be served";
  }
  return settings.faults == nullptr ? std::string() : faults::gap_on(faults::kOnQemu, *settings.faults);
}

RunResult aborted(const char* reason) {
  RunResult result;
  result.outcome = Outcome::error;
  result.reason = reason;
  return result;
}

class VfioUserTarget final : public Target {
 public:
  explicit VfioUserTarget(std::string machine) : machine_(std::move(machine)) { (void)VfioUserPlaces::instance(); }

  std::string identity() const override { return fmt::format("Ringside model served by vfio-user, {}", machine_); }

  std::string gap(const scenarios::Scenario& scenario, const RunSettings& settings) const override {
    return gap_of(plan_scenario(scenario, settings), settings);
  }

  RunResult run(const scenarios::Scenario& scenario, const RunSettings& settings, trace::Sink& sink) override {
    const auto start = std::chrono::steady_clock::now();
    const ScenarioPlan plan = plan_scenario(scenario, settings);
    if (const std::string reason = gap_of(plan, settings); !reason.empty()) {
      return skipped(reason);
    }
    const std::vector<DiskImage> images = open_disk_images(plan.machine, settings);
    RunResult result = run_on(plan.machine, images, scenario, settings, sink);
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
  }

 private:
  static RunResult run_on(const MachinePlan& plan, std::span<const DiskImage> images,
                          const scenarios::Scenario& scenario, const RunSettings& settings, trace::Sink& sink) {
    try {
      std::deque<VfioUserServer> servers;
      for (unsigned i = 0; i < images.size(); ++i) {
        servers.emplace_back(plan.disks[i], images[i]);
      }
      std::vector<Descriptor> connections;
      for (VfioUserServer& server : servers) {
        connections.push_back(server.connect());
      }
      VfioUserMachine machine(plan, std::move(connections), settings.limit());
      VfioUserHooks hooks(machine, images);
      return run_scenario(machine, hooks, images, scenario, settings, sink);
    } catch (const std::exception& problem) {
      return aborted(problem.what());
    }
  }

  std::string machine_;
};

}  // namespace

std::unique_ptr<Target> make_vfio_user_target(const TargetSpec&, const RunSettings& settings) {
  const MachinePlan plan = plan_machine(settings);
  check_model_machine(plan);
  return std::make_unique<VfioUserTarget>(plan.type);
}

TargetSummary vfio_user_summary() {
  TargetSummary summary;
  summary.name = "vfio-user";
  summary.summary = "the model's PC round a disk that another process serves";
  return summary;
}

}  // namespace ringside::targets
