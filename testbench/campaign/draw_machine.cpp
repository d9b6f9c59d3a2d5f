#include <fmt/format.h>

#include "driver/block/open.h"
#include "driver/virtio/spec.h"
#include "testbench/campaign/draw_case.h"
#include "testbench/campaign/streams.h"
#include "testbench/programs/building.h"
#include "testbench/scenarios/program_table.h"

namespace ringside::campaign {
namespace {

using programs::set;
using scenarios::OpenArgs;
using scenarios::Step;

const char* on_off(bool on) { return on ? "on" : "off"; }

std::uint64_t bit(unsigned feature) { return std::uint64_t{1} << feature; }

}  // namespace

std::string draw_machine(std::uint64_t seed) { return Stream(seed, "machine").percent(40) ? "q35" : "pc"; }

// What is not said is as the device comes.
DrawnDevice draw_device(std::uint64_t seed, const std::string& machine) {
  Stream random(seed, "device");
  DrawnDevice device;
  device.queue_size = random.one_of<std::uint16_t>({8, 16, 16, 64, 256});
  device.queues = random.one_of<std::uint16_t>({1, 1, 1, 2, 4});
  const bool packed = random.percent(45);
  const bool in_order = random.percent(20);
  const bool queue_reset = random.percent(50);
  const bool event_index = random.percent(65);
  const bool indirect = device.queue_size < 16 || random.percent(70);  // a chain must fit
  const bool notification_data = random.percent(10);
  const bool translated = random.percent(8);
  device.properties = fmt::format(
      "packed={},in_order={},queue_reset={},event_idx={},indirect_desc={},num-queues={},queue-size={},vectors={}",
      on_off(packed), on_off(in_order), on_off(queue_reset), on_off(event_index), on_off(indirect), device.queues,
      device.queue_size, random.percent(25) ? 2 : device.queues + 1);
  if (notification_data) {
    device.properties += ",notification_data=on";
  }
  if (translated) {
    device.properties += ",iommu_platform=on,disable-legacy=on";
  }
  if (machine == "q35" && random.percent(40)) {
    device.properties += ",bus=port0";
  }
  return device;
}

Step draw_open(std::uint64_t seed, const std::string& machine, const DrawnDevice& device) {
  Stream random(seed, "driver");
  Step step = scenarios::step_of(scenarios::Op::open);
  set(step, OpenArgs::completion,
      static_cast<std::uint64_t>(random.one_of(
          {block::Completion::msix, block::Completion::msix, block::Completion::intx, block::Completion::polled})));
  if (machine == "q35" && random.percent(30)) {
    set(step, OpenArgs::config, static_cast<std::uint64_t>(block::ConfigAccess::ecam));
  }
  set(step, OpenArgs::queues, device.queues);
  if (device.queue_size > 16 && random.percent(40)) {
    set(step, OpenArgs::queue_size, device.queue_size / 4);
  }
  std::uint64_t without = 0;
  for (const unsigned feature : {virtio::VIRTIO_F_EVENT_IDX, virtio::VIRTIO_F_RING_PACKED, virtio::VIRTIO_F_RING_RESET,
                                 virtio::VIRTIO_F_IN_ORDER}) {
    without |= random.percent(10) ? bit(feature) : 0;
  }
  if (without != 0) {
    set(step, OpenArgs::without, without);
  }
  set(step, OpenArgs::timeout_ms, random.between(5, 100));
  return step;
}

// Latencies decide what is in flight when a fault comes, and what overtakes what.
std::map<std::string, std::string> draw_settings(std::uint64_t seed) {
  Stream random(seed, "latency");
  std::map<std::string, std::string> settings;
  const auto set = [&](const char* key, std::uint64_t value) { settings[key] = fmt::format("{}", value); };
  set("latency.media_read_ns", random.between(100, 100'000));
  set("latency.media_write_ns", random.between(100, 100'000));
  if (random.percent(50)) {
    set("latency.media_jitter_percent", random.between(1, 100));
    set("latency.media_seed", random.next() >> 1);
  }
  if (random.percent(40)) {
    set("latency.media_channels", random.between(1, 4));
  }
  if (random.percent(30)) {
    set("latency.media_position_ns", random.between(1000, 50'000));
  }
  return settings;
}

}  // namespace ringside::campaign
