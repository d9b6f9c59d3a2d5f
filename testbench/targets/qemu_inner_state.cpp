#include "testbench/targets/qemu_inner_state.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>

#include "testbench/targets/qemu_command_line.h"

namespace ringside::targets {
namespace {

struct Bit {
  std::string_view name;
  unsigned number;
};

// QEMU answers with names, each with a sentence behind a colon.
constexpr Bit kStatus[] = {{"VIRTIO_CONFIG_S_ACKNOWLEDGE", 0}, {"VIRTIO_CONFIG_S_DRIVER", 1},
                           {"VIRTIO_CONFIG_S_DRIVER_OK", 2},   {"VIRTIO_CONFIG_S_FEATURES_OK", 3},
                           {"VIRTIO_CONFIG_S_NEEDS_RESET", 6}, {"VIRTIO_CONFIG_S_FAILED", 7}};

constexpr Bit kFeatures[] = {{"VIRTIO_BLK_F_SIZE_MAX", 1},
                             {"VIRTIO_BLK_F_SEG_MAX", 2},
                             {"VIRTIO_BLK_F_GEOMETRY", 4},
                             {"VIRTIO_BLK_F_RO", 5},
                             {"VIRTIO_BLK_F_BLK_SIZE", 6},
                             {"VIRTIO_BLK_F_SCSI", 7},
                             {"VIRTIO_BLK_F_FLUSH", 9},
                             {"VIRTIO_BLK_F_TOPOLOGY", 10},
                             {"VIRTIO_BLK_F_CONFIG_WCE", 11},
                             {"VIRTIO_BLK_F_MQ", 12},
                             {"VIRTIO_BLK_F_DISCARD", 13},
                             {"VIRTIO_BLK_F_WRITE_ZEROES", 14},
                             {"VIRTIO_BLK_F_SECURE_ERASE", 16},
                             {"VIRTIO_F_NOTIFY_ON_EMPTY", 24},
                             {"VIRTIO_F_ANY_LAYOUT", 27},
                             {"VIRTIO_RING_F_INDIRECT_DESC", 28},
                             {"VIRTIO_RING_F_EVENT_IDX", 29},
                             {"VHOST_USER_F_PROTOCOL_FEATURES", 30},  // the bit has this name whatever the device
                             {"VIRTIO_F_VERSION_1", 32},
                             {"VIRTIO_F_IOMMU_PLATFORM", 33},
                             {"VIRTIO_F_RING_PACKED", 34},
                             {"VIRTIO_F_IN_ORDER", 35},
                             {"VIRTIO_F_ORDER_PLATFORM", 36},
                             {"VIRTIO_F_SR_IOV", 37},
                             {"VIRTIO_F_NOTIFICATION_DATA", 38},
                             {"VIRTIO_F_RING_RESET", 40}};

using nlohmann::json;

// Adds the bits that `names` lists to `bits`. False for a name that is not known.
template <std::size_t kCount>
bool add_bits(const json& names, const Bit (&known)[kCount], std::uint64_t& bits) {
  for (const json& entry : names) {
    const std::string text = entry.get<std::string>();
    const std::string_view name = std::string_view(text).substr(0, text.find(':'));
    const auto* const bit = std::ranges::find(known, name, &Bit::name);
    if (bit == std::end(known)) {
      return false;
    }
    bits |= std::uint64_t{1} << bit->number;
  }
  return true;
}

InnerQueue queue_of(const json& answer) {
  InnerQueue queue;
  queue.number = answer.at("queue-index").get<std::uint16_t>();
  queue.size = answer.at("vring-num").get<std::uint16_t>();
  queue.next_available = answer.at("last-avail-idx").get<std::uint16_t>();
  queue.next_used = answer.at("used-idx").get<std::uint16_t>();
  queue.in_flight = answer.at("inuse").get<std::uint32_t>();
  queue.descriptors = answer.at("vring-desc").get<std::uint64_t>();
  queue.driver_area = answer.at("vring-avail").get<std::uint64_t>();
  queue.device_area = answer.at("vring-used").get<std::uint64_t>();
  return queue;
}

}  // namespace

bool tells_inner_state(const QemuVersion& version) {
  constexpr unsigned kFirstThatDies = 11;
  return (version.major > 7 || (version.major == 7 && version.minor >= 2)) && version.major < kFirstThatDies;
}

std::optional<InnerState> qemu_inner_state(Qmp& qmp, unsigned disk) {
  const std::string object = "/machine/peripheral/" + device_id_of(disk) + "/virtio-backend";
  const json answer = qmp.virtio_status(object);
  if (answer.empty()) {
    return std::nullopt;
  }
  try {
    InnerState state;
    std::uint64_t status = answer.at("status").value("unknown-statuses", std::uint64_t{0});
    const json& features = answer.at("guest-features");
    state.features = features.value("unknown-dev-features", std::uint64_t{0});
    if (!add_bits(answer.at("status").at("statuses"), kStatus, status) ||
        !add_bits(features.at("dev-features"), kFeatures, state.features) ||
        !add_bits(features.at("transports"), kFeatures, state.features)) {
      return std::nullopt;
    }
    state.status = static_cast<std::uint8_t>(status);
    const auto queues = answer.at("num-vqs").get<unsigned>();
    for (unsigned number = 0; number < queues; ++number) {
      const json queue = qmp.virtio_queue_status(object, number);
      if (!queue.empty() && queue.at("vring-desc") != 0) {
        state.queues.push_back(queue_of(queue));
      }
    }
    return state;
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

}  // namespace ringside::targets
