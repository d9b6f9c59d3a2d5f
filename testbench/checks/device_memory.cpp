// What a device does with the memory of a queue (VIRTIO 1.2, 2.7.5.1, 2.8.1): descriptors are the driver's to write,
// and a packed ring is worked through in its order. From the device's side.
#include <fmt/core.h>

#include <array>
#include <bitset>
#include <map>

#include "testbench/checks/monitors.h"
#include "testbench/checks/per_queue.h"
#include "testbench/checks/virtio_numbers.h"
#include "testbench/trace/names.h"

namespace ringside::checks {
namespace {

using namespace trace;

constexpr Clause kDescriptorsUntouched{"desc-dev-04", Role::device};
constexpr Clause kRingOrder{"packedvq-dev-01", Role::device};
constexpr std::array kClauses = {kDescriptorsUntouched, kRingOrder};
constexpr std::array kKinds = {Kind::dev_register, Kind::dev_dma_write, Kind::dev_fetch, Kind::device_status,
                               Kind::queue_enabled};

class DeviceMemory final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "device memory"; }
  std::span<const Clause> clauses() const override { return kClauses; }
  std::span<const Kind> kinds() const override { return kKinds; }

  void take(const Record& record) override {
    switch (record.kind) {
      case Kind::device_status:
        if (is_reset(record)) {
          former_[record.unit] = former_[record.unit] || wrote_[record.unit];
          devices_.erase(record.unit);
          next_.erase_unit(record.unit);
        }
        break;
      case Kind::queue_enabled:
        next_[record] = 0;
        break;
      case Kind::dev_register:
        if (record.flags == 1 && record.region == static_cast<std::uint32_t>(Structure::common)) {
          write(record, devices_[record.unit]);
        }
        break;
      case Kind::dev_dma_write:
        judge_write(record);
        break;
      case Kind::dev_fetch:
        judge_fetch(record);
        break;
      default:
        break;
    }
  }

 private:
  struct Queue {
    std::uint64_t descriptors = 0;  // bus address
    std::uint64_t size = 0;
    bool enabled = false;
  };
  struct Device {
    std::uint16_t selected = 0;
    bool queue_was_reset = false;
    std::map<std::uint16_t, Queue> queues;
  };

  static void write(const Record& record, Device& device) {
    constexpr std::uint64_t kLow = 0xffff'ffff;
    Queue& queue = device.queues[device.selected];
    if (record.offset == VIRTIO_PCI_COMMON_Q_SELECT) {
      device.selected = static_cast<std::uint16_t>(record.value);
    } else if (record.offset == VIRTIO_PCI_COMMON_Q_DESCLO) {
      queue.descriptors = (queue.descriptors & ~kLow) | (record.value & kLow);
    } else if (record.offset == VIRTIO_PCI_COMMON_Q_DESCLO + 4) {
      queue.descriptors = (queue.descriptors & kLow) | record.value << 32;
    } else if (record.offset == VIRTIO_PCI_COMMON_Q_SIZE) {
      queue.size = record.value;
    } else if (record.offset == VIRTIO_PCI_COMMON_Q_ENABLE) {
      queue.enabled = record.value == 1;
    } else if (record.offset == VIRTIO_PCI_COMMON_Q_RESET && record.value == 1) {
      queue = Queue{};
      device.queue_was_reset = true;
    }
  }

  void judge_write(const Record& record) {
    const auto device = devices_.find(record.unit);
    if (device == devices_.end()) {
      return;
    }
    wrote_[record.unit] = true;
    if (lives_again(record.unit, device->second) || has(facts().device(record.unit).accepted, VIRTIO_F_RING_PACKED)) {
      return;  // a packed ring has used descriptors in the same place
    }
    for (const auto& [number, queue] : device->second.queues) {
      const std::uint64_t end = queue.descriptors + kDescriptorBytes * queue.size;
      if (queue.enabled && record.offset < end && record.offset + record.length > queue.descriptors) {
        violated(kDescriptorsUntouched, fmt::format("{}: the descriptor table of queue {}", describe(record), number));
      }
    }
  }

  // The time of these records is that of the bus, which lags behind what the device has done: what a former life of a
  // queue wrote may be told when its memory is already another table.
  [[nodiscard]] bool lives_again(std::uint8_t unit, const Device& device) const {
    return device.queue_was_reset || former_[unit];
  }

  void judge_fetch(const Record& record) {
    std::uint32_t& next = next_[record];
    if (has(facts().device(record.unit).accepted, VIRTIO_F_RING_PACKED) && record.ordinal != next) {
      violated(kRingOrder, fmt::format("{}, but request {} comes next", describe(record), next));
    }
    next = record.ordinal + 1;
  }

  std::map<std::uint8_t, Device> devices_;
  std::bitset<256> wrote_;        // devices that have written anything
  std::bitset<256> former_;       // and were reset after that
  PerQueue<std::uint32_t> next_;  // request to be fetched
};

}  // namespace

std::unique_ptr<Monitor> make_device_memory(const Tools& tools) { return std::make_unique<DeviceMemory>(tools); }

}  // namespace ringside::checks
