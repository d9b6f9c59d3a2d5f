#include "testbench/trace/lanes.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "testbench/trace/fields.h"
#include "testbench/trace/hash.h"
#include "testbench/trace/text.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::trace {
namespace {

bool has_text(Kind kind) { return kind == Kind::scenario || kind == Kind::log_line; }

bool is_read(const Record& record) {
  return record.kind == Kind::register_read || record.kind == Kind::mmio_read || record.kind == Kind::port_read ||
         (record.kind == Kind::device_status && record.flags == 1);
}

bool same_fields(const Record& one, const Record& other) {
  if (one.kind != other.kind) {
    return false;
  }
  for (const Field& field : exact_fields(one.kind)) {
    if (field.get(one) != field.get(other)) {
      return false;
    }
  }
  return true;
}

bool is_register(const Record& record, Structure structure, std::uint64_t offset) {
  return record.kind == Kind::register_read && record.region == static_cast<std::uint32_t>(structure) &&
         record.offset == offset;
}

class Projection {
 public:
  explicit Projection(const std::vector<Record>& log) : log_(log) {}

  Lanes project() {
    for (std::size_t index = 0; index < log_.size(); ++index) {
      if (log_[index].tap != Tap::device) {
        take(index);
      } else if (log_[index].kind == Kind::dev_state || log_[index].kind == Kind::dev_queue_state) {
        take_inner(index);
      }
    }
    return std::move(lanes_);
  }

 private:
  // What is known of a device from what went before.
  struct Device {
    std::uint64_t status = 0;
    std::uint64_t generation = ~std::uint64_t{0};
  };

  void take(std::size_t index) {
    const Record& record = log_[index];
    switch (record.kind) {
      case Kind::request:
        request(index);
        return;
      case Kind::completion:
        complete(index);
        return;
      case Kind::wait_timeout:
        lanes_.timeouts.push_back({index, &record});
        return;
      default:
        break;
    }
    if (is_control(record)) {
      follow(record);
      lanes_.control.push_back({index, &record, has_text(record.kind) ? text_hash(index) : 0});
    }
  }

  void request(std::size_t index) {
    const Record& record = log_[index];
    QueueLane& lane = this->lane(record);
    lane.requests.push_back({index, &record});
    if (record.flags == VIRTIO_BLK_T_FLUSH) {
      lane.flushes.push_back({{index, &record}, in_flight_of(record.unit)});
    }
    ++in_flight_[key(record)];
  }

  [[nodiscard]] std::uint64_t in_flight_of(std::uint8_t unit) const {
    std::uint64_t total = 0;
    for (const auto& [which, life] : lives_) {
      const auto count = in_flight_.find({which.first, which.second, life});
      if (which.first == unit && count != in_flight_.end() && count->second > 0) {
        total += static_cast<std::uint64_t>(count->second);
      }
    }
    return total;
  }

  void take_inner(std::size_t index) {
    const Record& record = log_[index];
    std::vector<InnerState>& states = lanes_.inner[record.unit];
    if (record.kind == Kind::dev_state) {
      states.push_back({{index, &record}, {}, {}});
    } else if (record.kind == Kind::dev_queue_state && !states.empty()) {
      states.back().queues[record.queue] = {index, &record};
      if (in_flight_[key(record)] != 0) {
        states.back().moving.insert(record.queue);
      }
    }
  }

  void complete(std::size_t index) {
    const Record& record = log_[index];
    if (record.ordinal != kNoOrdinal) {  // the rules deal with those
      lane(record).completions.emplace(record.ordinal, LaneEvent{index, &record});
      --in_flight_[key(record)];
    }
  }

  [[nodiscard]] bool is_control(const Record& record) {
    const bool compared = !exact_fields(record.kind).empty() || has_text(record.kind);
    return compared && !is_of_window(record) && !is_polling(record) && !is_drive_identity(record);
  }

  // What an ATA drive says of itself, between its IDENTIFY DEVICE and the next command, is its own. What the driver
  // makes of it, a scenario observes.
  [[nodiscard]] bool is_drive_identity(const Record& record) {
    constexpr std::uint64_t kCommandPort = 0x1f7;
    constexpr std::uint64_t kDataPort = 0x1f0;
    constexpr std::uint64_t kIdentifyDevice = 0xec;
    if (record.kind == Kind::port_write && record.offset == kCommandPort) {
      drive_identifies_itself_ = record.value == kIdentifyDevice;
    }
    return drive_identifies_itself_ && record.kind == Kind::port_read && record.offset == kDataPort;
  }

  // An access to a structure through configuration space stands in the structure's record, and the aiming before it is
  // as often as the access.
  static bool is_of_window(const Record& record) {
    return (record.kind == Kind::config_read || record.kind == Kind::config_write) && record.flags == 1;
  }

  // Whether an ATA drive is busy: the status and alternate status registers at a PC's legacy ports.
  static bool is_drive_status(const Record& record) {
    constexpr std::uint64_t kPorts[] = {0x1f7, 0x3f6, 0x177, 0x376};
    return record.kind == Kind::port_read && std::ranges::find(kPorts, record.offset) != std::end(kPorts);
  }

  // A read that can tell nothing new, or whose number depends on the device's speed.
  [[nodiscard]] bool is_polling(const Record& record) {
    if (is_register(record, Structure::isr, 0) || is_drive_status(record)) {
      return true;  // one per interrupt taken by line, and reading clears it; or one per look at a busy drive
    }
    const Device& device = devices_[record.unit];
    if ((device.status & VIRTIO_CONFIG_S_DRIVER_OK) != 0) {
      const bool status_again =
          record.kind == Kind::device_status && record.flags == 1 && record.value == device.status;
      const bool generation_again =
          is_register(record, Structure::common, VIRTIO_PCI_COMMON_CFGGENERATION) && record.value == device.generation;
      if (status_again || generation_again) {
        return true;
      }
    }
    return is_read(record) && !lanes_.control.empty() && same_fields(record, *lanes_.control.back().record);
  }

  void follow(const Record& record) {
    Device& device = devices_[record.unit];
    if (record.kind == Kind::device_status) {
      device.status = record.value;
      if (record.flags == 0 && record.value == 0) {
        cut_lives(record.unit);
      }
    } else if (is_register(record, Structure::common, VIRTIO_PCI_COMMON_CFGGENERATION)) {
      device.generation = record.value;
    } else if (record.kind == Kind::queue_disabled) {
      cut(key(record));
    } else if (record.kind == Kind::queue_enabled) {
      ++lives_[{record.unit, record.queue}];
      (void)lane(record);
    }
  }

  void cut_lives(std::uint8_t unit) {
    for (const auto& [which, life] : lives_) {
      if (which.first == unit) {
        cut({unit, which.second, life});
      }
    }
  }

  void cut(const QueueKey& key) {
    const auto count = in_flight_.find(key);
    if (count != in_flight_.end() && count->second > 0) {
      lanes_.queues[key].cut = true;
    }
  }

  [[nodiscard]] QueueKey key(const Record& record) {
    return {record.unit, record.queue, lives_[{record.unit, record.queue}]};
  }
  [[nodiscard]] QueueLane& lane(const Record& record) { return lanes_.queues[key(record)]; }

  [[nodiscard]] std::uint64_t text_hash(std::size_t index) const {
    const std::string text = text_at(log_, index + 1);
    return hash_bytes(text.data(), text.size());
  }

  const std::vector<Record>& log_;
  Lanes lanes_;
  std::map<std::uint8_t, Device> devices_;
  std::map<std::pair<std::uint8_t, std::uint16_t>, std::uint32_t> lives_;
  std::map<QueueKey, std::int64_t> in_flight_;
  bool drive_identifies_itself_ = false;
};

}  // namespace

std::size_t Lanes::exact() const {
  std::size_t count = control.size();
  for (const auto& [key, lane] : queues) {
    count += lane.requests.size() + lane.completions.size();
  }
  return count;
}

Lanes lanes_of(const std::vector<Record>& log) { return Projection(log).project(); }

}  // namespace ringside::trace
