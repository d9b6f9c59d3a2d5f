// When a device keeps quiet (VIRTIO 1.2, 2.1.2, 2.4.1, 2.6.1): after a reset, before DRIVER_OK, and on a queue that was
// reset. From the device's side; what it does to memory is left out, because the time of those records is that of the
// bus, which lags behind what the device has done.
#include <fmt/core.h>

#include <array>
#include <map>

#include "testbench/checks/monitors.h"
#include "testbench/checks/per_queue.h"
#include "testbench/checks/virtio_numbers.h"
#include "testbench/trace/names.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr Clause kSilentAfterReset{"reset-dev-02", Role::device};
constexpr Clause kQueueSilentAfterReset{"qreset-dev-01", Role::device};
constexpr Clause kChangeAnnounced{"status-dev-03", Role::device};
constexpr std::array kClauses = {kSilentAfterReset, kQueueSilentAfterReset, kChangeAnnounced};
constexpr std::array kKinds = {Kind::dev_status, Kind::dev_register,  Kind::dev_fetch,    Kind::dev_complete,
                               Kind::dev_used,   Kind::dev_interrupt, Kind::device_status};


class DeviceSilence final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "device silence"; }
  std::span<const Clause> clauses() const override { return kClauses; }
  std::span<const Kind> kinds() const override { return kKinds; }

  void take(const Record& record) override {
    switch (record.kind) {
      case Kind::device_status:
        if (is_reset(record)) {
          judge_announcement(devices_[record.unit]);
        }
        break;
      case Kind::dev_status:
        status(record);
        break;
      case Kind::dev_register:
        if (record.region == static_cast<std::uint32_t>(Structure::common)) {
          record.flags == 1 ? write(record, devices_[record.unit]) : shown(record, devices_[record.unit]);
        }
        break;
      default:
        act(record);
        break;
    }
  }

  void finish() override {
    for (auto& [unit, device] : devices_) {
      judge_announcement(device);
    }
  }

 private:
  struct Device {
    bool reset = false;        // has shown that its reset is done, and is not in use again
    bool line_high = false;    // its INTx: what else happens shows by it too
    bool unannounced = false;  // DEVICE_NEEDS_RESET was raised and nobody was told
    std::uint8_t status = 0;
    std::uint16_t selected = 0;
    std::uint64_t config_vector = VIRTIO_MSI_NO_VECTOR;
    std::map<std::uint16_t, bool> queue_reset;
  };

  void status(const Record& record) {
    Device& device = devices_[record.unit];
    const auto raised = static_cast<std::uint8_t>(record.value & ~device.status);
    device.status = static_cast<std::uint8_t>(record.value);
    device.reset = false;
    if (record.value == 0) {
      device.config_vector = VIRTIO_MSI_NO_VECTOR;
      device.queue_reset.clear();
      device.unannounced = false;
      return;
    }
    const bool listening =
        facts().device(record.unit).msix_enabled ? device.config_vector != VIRTIO_MSI_NO_VECTOR : !device.line_high;
    if ((raised & VIRTIO_CONFIG_S_NEEDS_RESET) != 0 && (record.value & VIRTIO_CONFIG_S_DRIVER_OK) != 0 && listening) {
      device.unannounced = true;
    }
  }

  // What is in flight may end until the device says that the reset is done.
  static void shown(const Record& record, Device& device) {
    if (record.offset == VIRTIO_PCI_COMMON_STATUS && record.value == 0 && device.status == 0) {
      device.reset = true;
    }
  }

  void write(const Record& record, Device& device) {
    if (record.offset == VIRTIO_PCI_COMMON_Q_SELECT) {
      device.selected = static_cast<std::uint16_t>(record.value);
    } else if (record.offset == VIRTIO_PCI_COMMON_MSIX) {
      device.config_vector = record.value;
    } else if (record.offset == VIRTIO_PCI_COMMON_Q_RESET && record.value == 1) {
      device.queue_reset[device.selected] = true;
    } else if (record.offset == VIRTIO_PCI_COMMON_Q_ENABLE) {
      device.queue_reset[device.selected] = false;
    }
  }

  void act(const Record& record) {
    Device& device = devices_[record.unit];
    const bool raises = record.kind == Kind::dev_interrupt && record.value == 1;
    if (raises) {
      device.unannounced = false;
    }
    if (record.kind == Kind::dev_interrupt && record.offset == kIntxEntry) {
      device.line_high = raises;
    }
    if (device.reset && (record.kind != Kind::dev_interrupt || raises)) {
      violated(kSilentAfterReset, fmt::format("{} after a reset", describe(record)));
    }
    const bool of_queue =
        record.kind == Kind::dev_fetch || record.kind == Kind::dev_complete || record.kind == Kind::dev_used;
    if (of_queue && !device.queue_reset.empty()) {
      const auto found = device.queue_reset.find(record.queue);
      if (found != device.queue_reset.end() && found->second) {
        violated(kQueueSilentAfterReset, fmt::format("{}, but the queue was reset", describe(record)));
      }
    }
  }

  void judge_announcement(Device& device) {
    if (device.unannounced) {
      violated(kChangeAnnounced, "DEVICE_NEEDS_RESET was raised while the driver ran, and no interrupt said so");
    }
    device.unannounced = false;
  }

  std::map<std::uint8_t, Device> devices_;
};

}  // namespace

std::unique_ptr<Monitor> make_device_silence(const Tools& tools) { return std::make_unique<DeviceSilence>(tools); }

}  // namespace ringside::checks
