// A disk may grow and shrink while it is used (VIRTIO 1.2, 5.2.6.1): whoever was told of a change of the configuration
// looks at the capacity again.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>

#include "testbench/checks/monitors.h"
#include "testbench/checks/virtio_numbers.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr Clause kReadAgain{"blkop-drv-01", Role::driver};
constexpr std::array kClauses = {kReadAgain};
constexpr std::array kKinds = {Kind::register_read, Kind::register_write, Kind::device_status, Kind::msix_vector,
                               Kind::interrupt};

constexpr std::uint64_t kIsrConfig = 2;
constexpr std::uint64_t kCapacityEnd = 8;
constexpr std::uint64_t kNeedsReset = 0x40;

class Capacity final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "capacity"; }
  std::span<const Clause> clauses() const override { return kClauses; }
  std::span<const Kind> kinds() const override { return kKinds; }

  void take(const Record& record) override {
    switch (record.kind) {
      case Kind::register_read:
        read(record, devices_[record.unit]);
        break;
      case Kind::register_write:
        if (is_common(record, VIRTIO_PCI_COMMON_MSIX)) {
          devices_[record.unit].config_entry = record.value;
        } else if (is_common(record, VIRTIO_PCI_COMMON_Q_MSIX)) {
          devices_[record.unit].queue_entries[record.queue] = record.value;
        }
        break;
      case Kind::msix_vector:
        devices_[record.unit].vectors[record.offset] = record.value;
        break;
      case Kind::interrupt:
        for (auto& [unit, device] : devices_) {
          device.changed = device.changed || is_config_change(device, record.offset);
        }
        break;
      default:
        status(record, devices_[record.unit]);
        break;
    }
  }

  void finish() override {
    for (const auto& [unit, device] : devices_) {
      judge(device, "in the whole run");
    }
  }

 private:
  struct Device {
    std::map<std::uint64_t, std::uint64_t> vectors;  // of the machine, by entry of the table
    std::optional<std::uint64_t> config_entry;
    std::map<std::uint16_t, std::uint64_t> queue_entries;
    bool changed = false;  // told so, and the capacity has not been read since
    bool broken = false;   // it needs a reset, and that is the news
  };

  static std::optional<std::uint64_t> vector_of(const Device& device, std::uint64_t entry) {
    const auto found = device.vectors.find(entry);
    return found == device.vectors.end() ? std::nullopt : std::optional(found->second);
  }

  // A vector that is a queue's too says nothing of the configuration.
  static bool is_config_change(const Device& device, std::uint64_t vector) {
    const bool of_a_queue = std::ranges::any_of(
        device.queue_entries, [&](const auto& queue) { return vector_of(device, queue.second) == vector; });
    return device.config_entry && !of_a_queue && vector_of(device, *device.config_entry) == vector;
  }

  static void read(const Record& record, Device& device) {
    if (record.region == static_cast<std::uint32_t>(Structure::isr)) {
      device.changed = device.changed || (record.value != kAllOnes8 && (record.value & kIsrConfig) != 0);
    } else if (record.region == static_cast<std::uint32_t>(Structure::device) && record.offset < kCapacityEnd) {
      device.changed = false;
    }
  }

  void status(const Record& record, Device& device) {
    if (is_reset(record)) {
      judge(device, "before the reset");
      device.config_entry.reset();
      device.queue_entries.clear();
      device.changed = false;
      device.broken = false;
    } else if (record.flags == 1 && (record.value & kNeedsReset) != 0) {
      device.broken = true;
    }
  }

  void judge(const Device& device, const char* until) {
    if (device.changed && !device.broken) {
      violated(kReadAgain, fmt::format("the configuration changed, and nobody looked at the capacity {}", until));
    }
  }

  std::map<std::uint8_t, Device> devices_;
};

}  // namespace

std::unique_ptr<Monitor> make_capacity(const Tools& tools) { return std::make_unique<Capacity>(tools); }

}  // namespace ringside::checks
