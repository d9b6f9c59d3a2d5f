#include "testbench/targets/vfio_user_target.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "testbench/targets/harness.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/model_settings.h"
#include "testbench/targets/run_clock.h"
#include "testbench/targets/vfio_user_contents.h"
#include "testbench/targets/vfio_user_fit.h"
#include "testbench/targets/vfio_user_machine.h"
#include "testbench/targets/vfio_user_places.h"
#include "testbench/targets/vfio_user_server.h"
#include "testbench/vfio_user/client.h"

namespace ringside::targets {
namespace {

constexpr std::chrono::seconds kPatience{10};  // with an answer
constexpr std::chrono::milliseconds kBetweenLooks{50};

constexpr unsigned kCanAsk = scenarios::asking(scenarios::Ask::unplug) | scenarios::asking(scenarios::Ask::plug) |
                             scenarios::asking(scenarios::Ask::disk_sectors) | scenarios::asking(scenarios::Ask::calm);

class VfioUserHooks final : public RunHooks {
 public:
  // `fetches`: the images are copies of what somebody else keeps.
  VfioUserHooks(VfioUserMachine& machine, std::span<const DiskImage> images, bool fetches)
      : machine_(machine), images_(images), fetches_(fetches) {}

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
  void fetch_disks() override {
    if (fetches_) {
      fetch_contents(machine_, images_.front());
    }
  }

 private:
  VfioUserMachine& machine_;
  std::span<const DiskImage> images_;
  bool fetches_;
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
  // `socket`: where somebody serves a disk; empty for a server of our own, for each run.
  VfioUserTarget(std::string socket, std::string machine)
      : socket_(std::move(socket)), machine_(std::move(machine)), places_(VfioUserPlaces::instance()) {}

  std::string identity() const override {
    return fmt::format("{} by vfio-user, {}", socket_.empty() ? "Ringside model served" : "disk served", machine_);
  }

  std::string gap(const scenarios::Scenario& scenario, const RunSettings& settings) const override {
    return gap_here(plan_scenario(scenario, settings), settings);
  }

  RunResult run(const scenarios::Scenario& scenario, const RunSettings& settings, trace::Sink& sink) override {
    const auto start = std::chrono::steady_clock::now();
    const ScenarioPlan plan = plan_scenario(scenario, settings);
    if (const std::string reason = gap_here(plan, settings); !reason.empty()) {
      return skipped(reason);
    }
    const std::vector<DiskImage> images = open_disk_images(plan.machine, settings);
    RunResult result = socket_.empty() ? run_on_own(plan.machine, images, scenario, settings, sink)
                                       : run_at_socket(plan.machine, images, scenario, settings, sink);
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
  }

 private:
  [[nodiscard]] std::string gap_here(const ScenarioPlan& plan, const RunSettings& settings) const {
    std::string reason = gap_of(plan, settings);
    return reason.empty() && !socket_.empty() && plan.machine.disks.size() != 1 ? "one disk is served at a socket"
                                                                                : reason;
  }

  static RunResult run_on_own(const MachinePlan& plan, std::span<const DiskImage> images,
                              const scenarios::Scenario& scenario, const RunSettings& settings, trace::Sink& sink) {
    try {
      std::deque<VfioUserServer> servers;
      for (unsigned i = 0; i < images.size(); ++i) {
        servers.emplace_back(plan.disks[i], images[i]);
      }
      std::vector<vfio_user::Client> clients;
      for (VfioUserServer& server : servers) {
        clients.emplace_back(server.connect(), kPatience);
      }
      VfioUserMachine machine(plan, clients, settings.limit());
      VfioUserHooks hooks(machine, images, false);
      return run_scenario(machine, hooks, images, scenario, settings, sink);
    } catch (const std::exception& problem) {
      return aborted(problem.what());
    }
  }

  // The server may have somebody else for a while: another run of this very comparison.
  [[nodiscard]] vfio_user::Client client(const RunClock& clock) const {
    for (;;) {
      try {
        return vfio_user::Client(vfio_user::connect_to(socket_), kPatience);
      } catch (const vfio_user::ServerBusy&) {
        clock.check();
        std::this_thread::sleep_for(kBetweenLooks);
      }
    }
  }

  // The disk gets the contents that the scenario finds on every target. One connection for all of it, so that nobody
  // else writes to the disk in between.
  RunResult run_at_socket(const MachinePlan& plan, std::span<const DiskImage> images,
                          const scenarios::Scenario& scenario, const RunSettings& settings, trace::Sink& sink) const {
    try {
      std::vector<vfio_user::Client> clients;
      clients.push_back(client(RunClock(settings.limit())));
      const auto misfit = [&](const block::DiskInfo& disk) {
        return misfit_of(plan.disks.front(), disk, *places_.disks.front());
      };
      const std::string reason =
          put_contents(*std::make_unique<VfioUserMachine>(plan, clients, settings.limit()), images.front(), misfit);
      if (!reason.empty()) {
        return skipped(reason);
      }
      VfioUserMachine machine(plan, clients, settings.limit());
      VfioUserHooks hooks(machine, images, true);
      return run_scenario(machine, hooks, images, scenario, settings, sink);
    } catch (const std::exception& problem) {
      return aborted(problem.what());
    }
  }

  std::string socket_;
  std::string machine_;
  VfioUserPlaces& places_;
};

}  // namespace

std::unique_ptr<Target> make_vfio_user_target(const TargetSpec& spec, const RunSettings& settings) {
  const MachinePlan plan = plan_machine(settings);
  check_model_machine(plan);
  const auto socket = spec.options.find("socket");
  return std::make_unique<VfioUserTarget>(socket == spec.options.end() ? "" : socket->second, plan.type);
}

TargetSummary vfio_user_summary() {
  TargetSummary summary;
  summary.name = "vfio-user";
  summary.summary = "the model's PC round a disk that another process serves";
  summary.options = {
      {"socket", "where somebody serves a disk; what is on it is overwritten (a server of our own for each run)"}};
  return summary;
}

}  // namespace ringside::targets
