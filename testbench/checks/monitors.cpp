#include "testbench/checks/monitors.h"

#include <array>
#include <cstdint>
#include <span>

namespace ringside::checks {
namespace {

constexpr std::size_t kKinds = 256;

// Kinds from here on are the device's side, those before it the driver's and the bench's.
constexpr bool is_device_side(trace::Kind kind) { return kind >= trace::Kind::dev_config; }

// Which monitors take a kind of record in logs that are made there, by their place among all.
class Takers {
 public:
  Takers(std::span<const std::unique_ptr<Monitor>> monitors, View view) {
    for (std::size_t i = 0; i < monitors.size(); ++i) {
      if (!monitors[i]->judges(view)) {
        continue;
      }
      for (const trace::Kind kind : monitors[i]->kinds()) {
        lists_[static_cast<std::size_t>(kind)].push_back(static_cast<std::uint8_t>(i));
      }
    }
  }
  [[nodiscard]] std::span<const std::uint8_t> of(trace::Kind kind) const {
    return lists_[static_cast<std::size_t>(kind)];
  }

 private:
  std::array<std::vector<std::uint8_t>, kKinds> lists_;
};

}  // namespace

std::vector<std::unique_ptr<Monitor>> all_monitors(const Tools& tools) {
  std::vector<std::unique_ptr<Monitor>> monitors;
  for (const auto make :
       {make_status_protocol,  make_features,      make_queue_setup,    make_available_ring, make_used_ring,
        make_notification,     make_config_access, make_block_requests, make_guards,         make_block_oracle,
        make_chains,           make_vectors,       make_device_config,  make_capacity,       make_feature_windows,
        make_pci_capabilities, make_isr,           make_device_silence, make_device_memory,  make_interrupts_sent}) {
    monitors.push_back(make(tools));
  }
  return monitors;
}

trace::KindSet kinds_taken() {
  Findings findings;
  const Facts facts;
  trace::KindSet kinds;
  for (const auto& monitor : all_monitors({findings, facts})) {
    kinds.add(monitor->kinds());
  }
  return kinds;
}

MonitorRun::MonitorRun(View view) : monitors_(all_monitors({findings_, facts_, view})), view_(view) {}

void MonitorRun::append(const trace::Record& record) {
  // The same in every run.
  static const std::array<Takers, 2> by_view{Takers(monitors_, View::beside), Takers(monitors_, View::outside)};
  const Takers& takers = by_view[static_cast<std::size_t>(view_)];
  const std::size_t index = index_++;
  const std::span<const std::uint8_t> list = takers.of(record.kind);
  if (list.empty() && record.kind > trace::Kind::features) {  // half of a log: what the device does to memory
    return;
  }
  if ((record.tap == trace::Tap::device) != is_device_side(record.kind)) {
    return;
  }
  facts_.see(record);
  findings_.look_at(index, record.time);
  for (const std::uint8_t monitor : list) {
    monitors_[monitor]->take(record);
  }
}

std::vector<Violation> MonitorRun::finish() {
  for (const auto& monitor : monitors_) {
    if (monitor->judges(view_)) {
      monitor->finish();
    }
  }
  return findings_.take();
}

std::vector<Violation> run_monitors(const std::vector<trace::Record>& log) {
  MonitorRun run;
  for (const trace::Record& record : log) {
    run.append(record);
  }
  return run.finish();
}

}  // namespace ringside::checks
