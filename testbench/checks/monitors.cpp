#include "testbench/checks/monitors.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace ringside::checks {
namespace {

constexpr std::size_t kKinds = 256;

// Kinds from here on are the device's side, those before it the driver's and the bench's.
constexpr bool is_device_side(trace::Kind kind) { return kind >= trace::Kind::dev_config; }

}  // namespace

// Of logs that are made there; monitors by their place among all.
class Takers {
 public:
  Takers(std::span<const std::unique_ptr<Monitor>> monitors, View view) {
    for (std::size_t kind = 0; kind < kKinds; ++kind) {
      first_[kind] = places_.size();
      for (std::size_t i = 0; i < monitors.size(); ++i) {
        const auto kinds = monitors[i]->kinds();
        if (monitors[i]->judges(view) && std::ranges::find(kinds, static_cast<trace::Kind>(kind)) != kinds.end()) {
          places_.push_back(static_cast<std::uint8_t>(i));
        }
      }
    }
    first_[kKinds] = places_.size();
  }
  [[nodiscard]] std::span<const std::uint8_t> of(trace::Kind kind) const {
    const auto number = static_cast<std::size_t>(kind);
    return {places_.data() + first_[number], first_[number + 1] - first_[number]};
  }

 private:
  std::vector<std::uint8_t> places_;  // one list behind the other, in the order of the kinds
  std::array<std::size_t, kKinds + 1> first_{};
};

namespace {

// The same in every run.
const Takers& takers_among(std::span<const std::unique_ptr<Monitor>> monitors, View view) {
  static const std::array<Takers, 2> by_view{Takers(monitors, View::beside), Takers(monitors, View::outside)};
  return by_view[static_cast<std::size_t>(view)];
}

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

MonitorRun::MonitorRun(View view)
    : monitors_(all_monitors({findings_, facts_, view})), takers_(takers_among(monitors_, view)), view_(view) {}

void MonitorRun::append(const trace::Record& record) {
  const std::size_t index = index_++;
  const std::span<const std::uint8_t> list = takers_.of(record.kind);
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
