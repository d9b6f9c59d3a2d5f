// The windows of 32 bits through which features are shown and accepted (VIRTIO 1.2, 4.1.4.3.1).
#include <fmt/core.h>

#include <array>
#include <map>
#include <optional>

#include "testbench/checks/monitors.h"
#include "testbench/checks/virtio_numbers.h"
#include "testbench/trace/names.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr Clause kOfferShown{"pcicommon-dev-03", Role::device};
constexpr Clause kAcceptedShown{"pcicommon-dev-04", Role::device};
constexpr std::array kClauses = {kOfferShown, kAcceptedShown};
constexpr std::array kKinds = {Kind::register_read, Kind::register_write, Kind::device_status};

class FeatureWindows final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "feature windows"; }
  std::span<const Clause> clauses() const override { return kClauses; }
  std::span<const Kind> kinds() const override { return kKinds; }

  void take(const Record& record) override {
    if (is_reset(record)) {
      devices_.erase(record.unit);
    } else if (record.region == static_cast<std::uint32_t>(Structure::common) && record.width == 4) {
      if (record.kind == Kind::register_write) {
        write(record, devices_[record.unit]);
      } else if (record.kind == Kind::register_read && record.value != kAllOnes32) {
        read(record, devices_[record.unit]);
      }
    }
  }

 private:
  static constexpr std::uint64_t kAllOnes32 = 0xffff'ffff;
  static constexpr std::size_t kWindows = 4;
  struct Window {
    std::optional<std::uint64_t> offered;   // as read
    std::optional<std::uint64_t> accepted;  // as written
  };
  struct Device {
    std::uint64_t offered_select = 0;
    std::uint64_t accepted_select = 0;
    std::array<Window, kWindows> windows{};
  };

  static void write(const Record& record, Device& device) {
    if (record.offset == VIRTIO_PCI_COMMON_DFSELECT) {
      device.offered_select = record.value;
    } else if (record.offset == VIRTIO_PCI_COMMON_GFSELECT) {
      device.accepted_select = record.value;
    } else if (record.offset == VIRTIO_PCI_COMMON_GF && device.accepted_select < kWindows) {
      device.windows[device.accepted_select].accepted = record.value;
    }
  }

  void read(const Record& record, Device& device) {
    if (record.offset == VIRTIO_PCI_COMMON_DF && device.offered_select < kWindows) {
      std::optional<std::uint64_t>& before = device.windows[device.offered_select].offered;
      if (before && *before != record.value) {
        violated(kOfferShown, fmt::format("{}, but {:#x} before", describe(record), *before));
      }
      before = record.value;
    } else if (record.offset == VIRTIO_PCI_COMMON_GF && device.accepted_select < kWindows) {
      const Window& window = device.windows[device.accepted_select];
      // Bits that are not offered may be shown or not (pcicommon-dev-05).
      if (window.accepted && window.offered && ((record.value ^ *window.accepted) & *window.offered) != 0) {
        violated(kAcceptedShown, fmt::format("{}, but {:#x} was written", describe(record), *window.accepted));
      }
    }
  }

  std::map<std::uint8_t, Device> devices_;
};

}  // namespace

std::unique_ptr<Monitor> make_feature_windows(const Tools& tools) { return std::make_unique<FeatureWindows>(tools); }

}  // namespace ringside::checks
