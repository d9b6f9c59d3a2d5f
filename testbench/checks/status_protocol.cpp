// The status protocol: reset, then the steps of initialization in their order (VIRTIO 1.2, 2.1, 3.1.1, 4.1.4.3.2).
#include <fmt/core.h>

#include <array>
#include <bit>
#include <map>
#include <set>

#include "testbench/checks/monitors.h"
#include "testbench/checks/virtio_numbers.h"
#include "testbench/trace/names.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr Clause kInitOrder{"init-drv-01", Role::driver};
constexpr Clause kStepByStep{"status-drv-01", Role::driver};
constexpr Clause kFailedIsSaid{"init-drv-05", Role::driver};
constexpr Clause kNotContinued{"init-drv-06", Role::driver};
constexpr Clause kLegacyWithoutFeaturesOk{"leginit-drv-01", Role::driver};
constexpr Clause kSuspendNegotiated{"suspend-drv-01", Role::driver};
constexpr Clause kSuspendIgnored{"suspend-dev-01", Role::device};
constexpr Clause kResetConfirmed{"reset-drv-01", Role::driver};
constexpr Clause kStaysReset{"pcicommon-dev-07", Role::device};
constexpr Clause kBitsOnlyRise{"status-drv-02", Role::driver};
constexpr Clause kResetAfterFailed{"status-drv-03", Role::driver};
constexpr Clause kNoEarlyDoorbell{"init-drv-07", Role::driver};
constexpr Clause kWaitForReset{"pcicommon-drv-05", Role::driver};
constexpr Clause kResetReadsZero{"reset-dev-01", Role::device};
constexpr Clause kNothingBeforeDriverOk{"status-dev-01", Role::device};
constexpr std::array kClauses = {
    kInitOrder,         kStepByStep,      kFailedIsSaid,   kNotContinued,   kLegacyWithoutFeaturesOk,
    kSuspendNegotiated, kSuspendIgnored,  kResetConfirmed, kStaysReset,     kBitsOnlyRise,
    kResetAfterFailed,  kNoEarlyDoorbell, kWaitForReset,   kResetReadsZero, kNothingBeforeDriverOk};
constexpr std::array kKinds = {Kind::device_status, Kind::doorbell, Kind::queue_enabled, Kind::queue_disabled,
                               Kind::completion};

constexpr std::uint8_t kSteps =
    VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK;
constexpr std::uint8_t kSuspend = 0x10;  // VIRTIO 1.4

// Each bit, and what has to be there before it is set.
struct Step {
  std::uint8_t bit;
  std::uint8_t needs;
};
constexpr std::array kOrder = {Step{VIRTIO_CONFIG_S_ACKNOWLEDGE, 0},
                               Step{VIRTIO_CONFIG_S_DRIVER, VIRTIO_CONFIG_S_ACKNOWLEDGE},
                               Step{VIRTIO_CONFIG_S_FEATURES_OK, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER},
                               Step{VIRTIO_CONFIG_S_DRIVER_OK, VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
                                                                   VIRTIO_CONFIG_S_FEATURES_OK}};

class StatusProtocol final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "status protocol"; }
  std::span<const Clause> clauses() const override { return kClauses; }
  std::span<const Kind> kinds() const override { return kKinds; }

  void finish() override {
    for (auto& [unit, device] : devices_) {
      give_up_reset(device);
      give_up_refused(device);
    }
  }

  void take(const Record& record) override {
    switch (record.kind) {
      case Kind::device_status:
        record.flags == 0 ? write(record) : read(record);
        break;
      case Kind::doorbell:
        if (!running(record)) {
          violated(kNoEarlyDoorbell, fmt::format("{} before DRIVER_OK", describe(record)));
        }
        break;
      case Kind::queue_enabled:
        enable(record);
        break;
      case Kind::queue_disabled:
        devices_[record.unit].reset_queues.insert(record.queue);
        break;
      case Kind::completion:
        if (!running(record) && !facts().device(record.unit).legacy) {  // those may be used before it (3.1.2)
          violated(kNothingBeforeDriverOk, fmt::format("{} while DRIVER_OK is clear", describe(record)));
        }
        break;
      default:
        break;
    }
  }

 private:
  struct Device {
    std::uint8_t status = 0;  // as the driver wrote it
    bool was_reset = false;
    bool reset_pending = false;            // 0 was written and not yet read
    bool reset_refused = false;            // and something else was read meanwhile
    bool reread = false;                   // status was read after FEATURES_OK was set
    bool accepted = false;                 // and FEATURES_OK was still there
    std::set<std::uint16_t> reset_queues;  // one by one: these may be enabled while the device runs
  };

  bool running(const Record& record) { return (devices_[record.unit].status & VIRTIO_CONFIG_S_DRIVER_OK) != 0; }

  void give_up_reset(Device& device) {
    if (device.reset_pending && device.reset_refused) {
      violated(kResetReadsZero, "device_status never read 0 after the reset");
    }
    device.reset_pending = false;
  }

  // The device refused the features, and that was the end of it: then the driver says so (3.1.1).
  void give_up_refused(const Device& device) {
    constexpr std::uint8_t kSaid = VIRTIO_CONFIG_S_FAILED | VIRTIO_CONFIG_S_DRIVER_OK;
    if (device.reread && !device.accepted && (device.status & kSaid) == 0) {
      violated(kFailedIsSaid, "the driver gave up when the device refused the features, and did not set FAILED");
    }
  }

  void write(const Record& record) {
    Device& device = devices_[record.unit];
    // NEEDS_RESET is the device's: a driver that writes back what it read carries it along.
    const auto value = static_cast<std::uint8_t>(record.value & ~std::uint64_t{VIRTIO_CONFIG_S_NEEDS_RESET});
    if (record.value == 0) {
      give_up_reset(device);
      device = Device{};
      device.was_reset = device.reset_pending = true;
      return;
    }
    if (device.reset_pending) {
      violated(device.reset_refused ? kResetConfirmed : kWaitForReset,
               "device_status written before it read 0 after the reset");
      device.reset_pending = false;
    } else if (!device.was_reset) {
      violated(kInitOrder, "initialization without a reset first");
      device.was_reset = true;
    }
    judge(device, value, facts().device(record.unit));
    device.status = value;
  }

  // FEATURES_OK came with version 1: the legacy interface does without (3.1.2).
  void judge(const Device& device, std::uint8_t value, const DeviceFacts& known) {
    const auto added = static_cast<std::uint8_t>(value & ~device.status);
    const auto removed = static_cast<std::uint8_t>(device.status & ~value);
    if (removed != 0) {
      violated(kBitsOnlyRise, fmt::format("{} taken back", status_name(removed)));
    }
    if ((device.status & VIRTIO_CONFIG_S_FAILED) != 0 && added != 0) {
      violated(kResetAfterFailed, fmt::format("{} set after FAILED, without a reset", status_name(added)));
    }
    if (std::popcount(static_cast<std::uint8_t>(added & kSteps)) > 1) {
      violated(kStepByStep, fmt::format("{} set at once", status_name(added)));
    }
    if (known.legacy && (added & VIRTIO_CONFIG_S_FEATURES_OK) != 0) {
      violated(kLegacyWithoutFeaturesOk, "FEATURES_OK set by the legacy interface");
    }
    if ((added & kSuspend) != 0 &&
        ((device.status & VIRTIO_CONFIG_S_DRIVER_OK) == 0 || !has(known.accepted, VIRTIO_F_SUSPEND))) {
      violated(kSuspendNegotiated, "SUSPEND set of a device that does not run, or cannot be suspended");
    }
    judge_order(device, value, added, known.legacy);
  }

  void judge_order(const Device& device, std::uint8_t value, std::uint8_t added, bool legacy) {
    for (const Step& step : kOrder) {
      const auto needs = static_cast<std::uint8_t>(legacy ? step.needs & ~VIRTIO_CONFIG_S_FEATURES_OK : step.needs);
      if ((added & step.bit) != 0 && (value & needs) != needs) {
        violated(kInitOrder, fmt::format("{} set while device_status is {}", status_name(step.bit),
                                         device.status == 0 ? "0" : status_name(device.status)));
      }
    }
    if (!legacy && (added & VIRTIO_CONFIG_S_DRIVER_OK) != 0 && !device.accepted) {
      if (device.reread) {
        violated(kNotContinued, "DRIVER_OK set although the device refused the features");
      } else if ((value & VIRTIO_CONFIG_S_FEATURES_OK) != 0) {
        violated(kInitOrder, "DRIVER_OK set without reading FEATURES_OK back");
      }
    }
  }

  void read(const Record& record) {
    Device& device = devices_[record.unit];
    if (device.reset_pending) {
      device.reset_refused = record.value != 0;
      device.reset_pending = record.value != 0;
    } else if (device.was_reset && record.value != kAllOnes8) {
      judge_read(device, static_cast<std::uint8_t>(record.value));
    }
    if ((device.status & VIRTIO_CONFIG_S_FEATURES_OK) != 0 && !device.reread) {
      device.reread = true;
      device.accepted = (record.value & VIRTIO_CONFIG_S_FEATURES_OK) != 0;
    }
  }

  // Apart from NEEDS_RESET a device only shows what was written.
  void judge_read(const Device& device, std::uint8_t value) {
    const auto extra = static_cast<std::uint8_t>(value & ~device.status & ~VIRTIO_CONFIG_S_NEEDS_RESET);
    if (device.status == 0 && extra != 0) {
      violated(kStaysReset, fmt::format("device_status reads {} after the reset was done", status_name(extra)));
    } else if ((value & kSuspend) != 0 && (device.status & VIRTIO_CONFIG_S_DRIVER_OK) == 0) {
      violated(kSuspendIgnored, "SUSPEND reads back though the initialization is not complete");
    }
  }

  void enable(const Record& record) {
    Device& device = devices_[record.unit];
    if (!facts().device(record.unit).legacy && !device.accepted) {
      violated(device.reread ? kNotContinued : kInitOrder,
               fmt::format("queue {} set up before the device has confirmed FEATURES_OK", record.queue));
    } else if (running(record) && device.reset_queues.count(record.queue) == 0) {
      violated(kInitOrder, fmt::format("queue {} set up after DRIVER_OK", record.queue));
    }
  }

  std::map<std::uint8_t, Device> devices_;
};

}  // namespace

std::unique_ptr<Monitor> make_status_protocol(const Tools& tools) { return std::make_unique<StatusProtocol>(tools); }

}  // namespace ringside::checks
