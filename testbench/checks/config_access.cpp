// How the virtio structures are accessed (VIRTIO 1.2, 4.1.3.1, 4.1.4.3, 3.1.2, 5.2.4): every field in its natural
// width, and nothing is written that is the device's to say.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <map>

#include "testbench/checks/monitors.h"
#include "testbench/checks/virtio_numbers.h"
#include "testbench/trace/names.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr Clause kNaturalWidth{"pcilayout-drv-01", Role::driver};
constexpr Clause kReadOnly{"pcicommon-drv-01", Role::driver};
constexpr Clause kReadOnlyDeviceConfig{"5.2.4", Role::driver};
constexpr Clause kNotWhileNegotiating{"init-drv-03", Role::driver};
constexpr std::array kClauses = {kNaturalWidth, kReadOnly, kReadOnlyDeviceConfig, kNotWhileNegotiating};
constexpr std::array kKinds = {Kind::device_status, Kind::register_read, Kind::register_write};

// A run of fields of one width, up to (and without) `end`.
struct Fields {
  std::uint32_t end;
  std::uint8_t width;
};

// struct virtio_pci_common_cfg
constexpr std::array kCommon = {Fields{0x10, 4}, Fields{0x14, 2}, Fields{0x16, 1},
                                Fields{0x20, 2}, Fields{0x38, 8}, Fields{0x3c, 2}};
// The legacy registers (4.1.4.8)
constexpr std::array kLegacy = {Fields{0x0c, 4}, Fields{0x12, 2}, Fields{0x14, 1}, Fields{0x18, 2}};
// struct virtio_blk_config
constexpr std::array kBlockConfig = {Fields{0x08, 8}, Fields{0x10, 4}, Fields{0x12, 2}, Fields{0x14, 1},
                                     Fields{0x18, 4}, Fields{0x1a, 1}, Fields{0x1c, 2}, Fields{0x20, 4},
                                     Fields{0x22, 1}, Fields{0x24, 2}, Fields{0x38, 4}, Fields{0x3c, 1},
                                     Fields{0x48, 4}};
constexpr std::array kIsr = {Fields{1, 1}};
constexpr std::uint64_t kWriteback = 0x20;

constexpr std::array kReadOnlyCommon = {VIRTIO_PCI_COMMON_DF, VIRTIO_PCI_COMMON_NUMQ, VIRTIO_PCI_COMMON_CFGGENERATION,
                                        VIRTIO_PCI_COMMON_Q_NOFF, VIRTIO_PCI_COMMON_Q_NDATA};

// Of the field at `offset`; 0 past the fields that are known.
std::uint8_t natural_width(std::span<const Fields> fields, std::uint64_t offset) {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const Fields& f) { return offset < f.end; });
  return found == fields.end() ? std::uint8_t{0} : found->width;
}

// A 64-bit field takes two 32-bit accesses; the tap joins both halves of a queue address into one record.
bool is_natural(std::uint8_t natural, std::uint8_t width, std::uint64_t offset) {
  const bool half = natural == 8 && width == 4;
  return (width == natural || half) && offset % width == 0;
}

std::span<const Fields> fields_of(std::uint32_t structure) {
  switch (static_cast<Structure>(structure)) {
    case Structure::common:
      return kCommon;
    case Structure::device:
      return kBlockConfig;
    case Structure::legacy:
      return kLegacy;
    case Structure::isr:
      return kIsr;
    default:
      return {};
  }
}

class ConfigAccess final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "config access"; }
  std::span<const Clause> clauses() const override { return kClauses; }
  std::span<const Kind> kinds() const override { return kKinds; }

  void take(const Record& record) override {
    if (record.kind == Kind::device_status && record.flags == 0) {
      features_ok_[record.unit] = (record.value & VIRTIO_CONFIG_S_FEATURES_OK) != 0;
    } else if (record.kind == Kind::register_read || record.kind == Kind::register_write) {
      judge_width(record);
      if (record.kind == Kind::register_write) {
        judge_write(record);
      }
    }
  }

 private:
  void judge_width(const Record& record) {
    // The legacy block gives the same device configuration at any width (4.1.4.8, legpcilayout-dev-02).
    if (facts().device(record.unit).legacy && record.region == static_cast<std::uint32_t>(Structure::device)) {
      return;
    }
    const std::uint8_t natural = natural_width(fields_of(record.region), record.offset);
    if (natural != 0 && !is_natural(natural, record.width, record.offset)) {
      violated(kNaturalWidth, fmt::format("{}: the field has {} bits", describe(record), natural * 8));
    }
  }

  void judge_write(const Record& record) {
    if (record.region == static_cast<std::uint32_t>(Structure::common)) {
      if (std::find(kReadOnlyCommon.begin(), kReadOnlyCommon.end(), record.offset) != kReadOnlyCommon.end()) {
        violated(kReadOnly, fmt::format("{}: the field is read-only", describe(record)));
      }
    } else if (record.region == static_cast<std::uint32_t>(Structure::device)) {
      if (record.offset != kWriteback) {
        violated(kReadOnlyDeviceConfig, fmt::format("{}: the field is read-only", describe(record)));
      }
      if (!facts().device(record.unit).legacy && !features_ok_[record.unit]) {
        violated(kNotWhileNegotiating, fmt::format("{} before FEATURES_OK", describe(record)));
      }
    }
  }

  std::map<std::uint8_t, bool> features_ok_;
};

}  // namespace

std::unique_ptr<Monitor> make_config_access(const Tools& tools) { return std::make_unique<ConfigAccess>(tools); }

}  // namespace ringside::checks
