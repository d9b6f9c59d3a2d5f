// Feature negotiation (VIRTIO 1.2, 2.2, 6).
#include <fmt/format.h>

#include <array>
#include <map>

#include "testbench/checks/monitors.h"
#include "testbench/checks/virtio_numbers.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr Clause kOnlyOffered{"features-drv-01", Role::driver};
constexpr Clause kVersion1Accepted{"resfeat-drv-01", Role::driver};
constexpr Clause kNoneAfterFeaturesOk{"init-drv-04", Role::driver};
constexpr Clause kVersion1Offered{"resfeat-dev-01", Role::device};
constexpr Clause kFlushWithConfigWce{"blkinit-dev-02", Role::device};
constexpr std::array kClauses = {kOnlyOffered, kVersion1Accepted, kNoneAfterFeaturesOk, kVersion1Offered,
                                 kFlushWithConfigWce};

class Features final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "features"; }
  std::span<const Clause> clauses() const override { return kClauses; }

 protected:
  void take(const Record& record) override {
    legacy_.see(record);
    if (record.kind == Kind::features) {
      record.flags == 0 ? offered(record) : accepted(record);
    } else if (record.kind == Kind::device_status && record.flags == 0) {
      devices_[record.unit].settled = (record.value & VIRTIO_CONFIG_S_FEATURES_OK) != 0;
    } else if (record.kind == Kind::register_write && is_common(record, VIRTIO_PCI_COMMON_GF) &&
               devices_[record.unit].settled) {
      violated(kNoneAfterFeaturesOk, "driver_feature written after FEATURES_OK");
    }
  }

 private:
  struct Device {
    bool known = false;
    std::uint64_t offered = 0;
    bool settled = false;  // FEATURES_OK is set
  };

  void offered(const Record& record) {
    devices_[record.unit].known = true;
    devices_[record.unit].offered = record.value;
    if (!legacy_(record) && !has(record.value, VIRTIO_F_VERSION_1)) {
      violated(kVersion1Offered, "VIRTIO_F_VERSION_1 is not offered");
    }
    if (has(record.value, VIRTIO_BLK_F_CONFIG_WCE) && !has(record.value, VIRTIO_BLK_F_FLUSH)) {
      violated(kFlushWithConfigWce, "VIRTIO_BLK_F_CONFIG_WCE is offered without VIRTIO_BLK_F_FLUSH");
    }
  }

  void accepted(const Record& record) {
    const Device& device = devices_[record.unit];
    if (!device.known) {
      return;  // a driver may know the device from before; what it offers is not in this log
    }
    if (const std::uint64_t extra = record.value & ~device.offered; extra != 0) {
      violated(kOnlyOffered, fmt::format("features {:#x} accepted, which are not offered", extra));
    }
    if (has(device.offered, VIRTIO_F_VERSION_1) && !has(record.value, VIRTIO_F_VERSION_1)) {
      violated(kVersion1Accepted, "VIRTIO_F_VERSION_1 is offered and not accepted");
    }
  }

  LegacyUse legacy_;
  std::map<std::uint8_t, Device> devices_;
};

}  // namespace

std::unique_ptr<Monitor> make_features(Findings& findings) { return std::make_unique<Features>(findings); }

}  // namespace ringside::checks
