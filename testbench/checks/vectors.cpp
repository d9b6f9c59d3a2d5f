// MSI-X vectors of queues and of configuration changes (VIRTIO 1.2, 4.1.5.1.2), by the common configuration and by the
// legacy registers alike: mapped, read back, unmapped by a reset.
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

constexpr Clause kInsideTheTable{"pcimsix-drv-04", Role::driver};
constexpr Clause kReadBack{"pcimsix-drv-05", Role::driver};
constexpr Clause kTwoOrMore{"pcimsix-dev-01", Role::device};
constexpr Clause kUnmapped{"pcimsix-dev-05", Role::device};
constexpr Clause kKept{"pcimsix-dev-06", Role::device};
constexpr Clause kUnmappedByReset{"pcimsix-dev-07", Role::device};
constexpr Clause kNotRefused{"pcimsix-dev-08", Role::device};
constexpr Clause kRefusedShows{"pcimsix-dev-09", Role::device};
constexpr std::array kClauses = {kInsideTheTable, kReadBack,        kTwoOrMore,  kUnmapped,
                                 kKept,           kUnmappedByReset, kNotRefused, kRefusedShows};
constexpr std::array kKinds = {Kind::register_read, Kind::register_write, Kind::device_status, Kind::queue_enabled,
                               Kind::queue_disabled};

constexpr std::uint32_t kConfigEvent = 0x1'0000;  // beside the queues' numbers

class Vectors final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "vectors"; }
  std::span<const Clause> clauses() const override { return kClauses; }
  std::span<const Kind> kinds() const override { return kKinds; }

  void take(const Record& record) override {
    switch (record.kind) {
      case Kind::register_write:
        if (const auto event = event_of(record); event.has_value()) {
          write(record, devices_[record.unit].events[*event]);
        }
        break;
      case Kind::register_read:
        if (const auto event = event_of(record); event.has_value()) {
          read(record, devices_[record.unit]);
        }
        break;
      case Kind::device_status:
        if (is_reset(record)) {
          devices_[record.unit] = Device{true, {}};
        } else if (record.flags == 0 && (record.value & VIRTIO_CONFIG_S_DRIVER_OK) != 0) {
          judge_unread(record, kConfigEvent, "configuration changes are");
        }
        break;
      case Kind::queue_enabled:
        judge_unread(record, record.queue, "the queue is");
        break;
      case Kind::queue_disabled:
        devices_[record.unit].events.erase(record.queue);
        break;
      default:
        break;
    }
  }

 private:
  struct Event {
    std::optional<std::uint64_t> written;  // since the reset
    bool unread = false;
  };
  struct Device {
    bool was_reset = false;
    std::map<std::uint32_t, Event> events;  // by queue, and kConfigEvent
  };

  static std::optional<std::uint32_t> event_of(const Record& record) {
    if (record.width != 2) {
      return std::nullopt;  // half of a vector says nothing
    }
    const bool legacy = record.region == static_cast<std::uint32_t>(Structure::legacy);
    if (is_common(record, VIRTIO_PCI_COMMON_MSIX) || (legacy && record.offset == VIRTIO_MSI_CONFIG_VECTOR)) {
      return kConfigEvent;
    }
    const bool of_queue =
        is_common(record, VIRTIO_PCI_COMMON_Q_MSIX) || (legacy && record.offset == VIRTIO_MSI_QUEUE_VECTOR);
    return of_queue ? std::optional<std::uint32_t>(record.queue) : std::nullopt;
  }

  [[nodiscard]] bool is_in_table(const Record& record, std::uint64_t vector) const {
    const auto& vectors = facts().device(record.unit).vectors;
    return vectors.has_value() && vector < *vectors;
  }

  void write(const Record& record, Event& event) {
    const auto& vectors = facts().device(record.unit).vectors;
    if (vectors && record.value != VIRTIO_MSI_NO_VECTOR && record.value >= *vectors) {
      violated(kInsideTheTable, fmt::format("{}, but the table has {} entries", describe(record), *vectors));
    }
    if (vectors && *vectors < 2 && !few_told_) {
      few_told_ = true;
      violated(kTwoOrMore, fmt::format("a table of {} entry", *vectors));
    }
    event.written = record.value;
    event.unread = record.value != VIRTIO_MSI_NO_VECTOR;
  }

  void read(const Record& record, Device& device) {
    Event& event = device.events[*event_of(record)];
    event.unread = false;
    const bool none = record.value == VIRTIO_MSI_NO_VECTOR;
    if (!event.written) {
      if (device.was_reset && !none) {
        violated(kUnmappedByReset, fmt::format("{} after a reset", describe(record)));
      }
    } else if (*event.written == VIRTIO_MSI_NO_VECTOR) {
      if (!none) {
        violated(kUnmapped, fmt::format("{}, but NO_VECTOR was written", describe(record)));
      }
    } else if (none) {
      if (is_in_table(record, *event.written)) {  // refused, though the entry is there
        violated(kNotRefused, fmt::format("{}, but {} was written", describe(record), *event.written));
      }
    } else if (facts().device(record.unit).vectors.has_value() && !is_in_table(record, record.value)) {
      violated(kRefusedShows, fmt::format("{}, which no table has", describe(record)));
    } else if (record.value != *event.written) {
      violated(kKept, fmt::format("{}, but {} was written", describe(record), *event.written));
    }
  }

  void judge_unread(const Record& record, std::uint32_t event, const char* what) {
    Device& device = devices_[record.unit];
    if (const auto found = device.events.find(event); found != device.events.end() && found->second.unread) {
      violated(kReadBack, fmt::format("the vector of {} not read back: {}", what, describe(record)));
      found->second.unread = false;
    }
  }

  std::map<std::uint8_t, Device> devices_;
  bool few_told_ = false;
};

}  // namespace

std::unique_ptr<Monitor> make_vectors(const Tools& tools) { return std::make_unique<Vectors>(tools); }

}  // namespace ringside::checks
