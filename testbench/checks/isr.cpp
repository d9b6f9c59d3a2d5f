// The ISR status and the line that goes with it (VIRTIO 1.2, 4.1.4.5).
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

constexpr Clause kNotReadWithMsix{"pciisr-drv-01", Role::driver};
constexpr Clause kStatusShowsIt{"pciisr-dev-04", Role::device};
constexpr Clause kReadClears{"pciisr-dev-05", Role::device};
constexpr std::array kClauses = {kNotReadWithMsix, kStatusShowsIt, kReadClears};
constexpr std::array kKinds = {Kind::config_read,   Kind::register_read, Kind::device_status, Kind::queue_disabled,
                               Kind::avail_publish, Kind::used_seen,     Kind::interrupt};

constexpr unsigned kPciStatus = 6;
constexpr std::uint64_t kInterruptStatus = 8;  // of the PCI status register
constexpr std::uint64_t kQueueBit = 1;

class Isr final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "ISR"; }
  std::span<const Clause> clauses() const override { return kClauses; }
  std::span<const Kind> kinds() const override { return kKinds; }

  void take(const Record& record) override {
    if (record.kind == Kind::config_read) {
      config_read(record);
      return;
    }
    Device& device = devices_[record.unit];
    switch (record.kind) {
      case Kind::register_read:
        if (record.region == static_cast<std::uint32_t>(Structure::isr) && record.value != kAllOnes8) {
          read(record, device);
        }
        break;
      case Kind::device_status:
        if (is_reset(record)) {
          device = Device{};
        }
        break;
      case Kind::queue_disabled:
        device.quiet = false;  // how much was in flight on it nobody knows now
        break;
      case Kind::avail_publish:
        device.in_flight += record.length;
        device.quiet = false;
        break;
      case Kind::used_seen:
        device.in_flight -= std::min(device.in_flight, record.length);
        if (record.length != 0) {
          woken_ = false;
        }
        break;
      case Kind::interrupt:
        woken_ = record.offset < kFirstLineVector;
        break;
      default:
        break;
    }
  }

 private:
  struct Device {
    std::uint64_t in_flight = 0;
    bool quiet = false;    // the ISR was read with nothing in flight, and nothing was published since
    bool pending = false;  // the PCI status said that the ISR is not 0
  };

  void config_read(const Record& record) {
    if (record.offset > kPciStatus || kPciStatus >= record.offset + record.width) {
      return;
    }
    const Function* const function = facts().function_of(record.unit);
    if (function == nullptr || facts().accessed() != function) {
      return;
    }
    devices_[record.unit].pending = (record.value >> (8 * (kPciStatus - record.offset)) & kInterruptStatus) != 0;
  }

  void read(const Record& record, Device& device) {
    const bool with_msix = facts().device(record.unit).msix_enabled;
    if (with_msix && woken_) {
      violated(kNotReadWithMsix, fmt::format("{}, after a message has told what happened", describe(record)));
      woken_ = false;
    }
    if (device.pending && !with_msix && record.value == 0) {
      violated(kStatusShowsIt, fmt::format("{}, but the PCI status said that there is an interrupt", describe(record)));
    }
    device.pending = false;
    // With nothing in flight nothing can have been used in between.
    if (device.quiet && (record.value & kQueueBit) != 0) {
      violated(kReadClears,
               fmt::format("{}, though it was read before and nothing has happened since", describe(record)));
    }
    device.quiet = device.in_flight == 0;
  }

  std::map<std::uint8_t, Device> devices_;
  bool woken_ = false;  // by a message, and nothing was looked at since
};

}  // namespace

std::unique_ptr<Monitor> make_isr(const Tools& tools) { return std::make_unique<Isr>(tools); }

}  // namespace ringside::checks
