#include "testbench/serve/served_faults.h"

#include <fmt/format.h>

#include <utility>

namespace ringside::serve {
namespace {

using faults::Action;

bool possible(Action action) {
  switch (action) {
    case Action::media_error:
    case Action::lost_interrupt:
    case Action::needs_reset:
    case Action::removed:
      return true;
    default:
      return faults::happens_in_device(action);
  }
}

}  // namespace

ServedFaults::ServedFaults(const faults::Plan& plan, ServedDisk& disk, trace::Sink& sink)
    : plan_(plan), disk_(disk), sink_(sink), devices_(plan), progress_(plan) {}

std::string ServedFaults::gap(const faults::Plan& plan) {
  for (const faults::Fault& fault : plan.faults) {
    if (!possible(fault.action)) {
      return fmt::format("{}: {} happens between a driver of the bench and its machine; expected what a device can do",
                         plan.path, faults::summary_of(fault.action).name);
    }
    if (fault.unit != 0) {
      return fmt::format("{}: unit {}: expected 0, the disk that is served", plan.path, fault.unit);
    }
  }
  return {};
}

void ServedFaults::power_on() {
  if (devices_.concerns(0)) {
    disk_.inject(&devices_.unit(0));
  }
}

void ServedFaults::append(const trace::Record& record) {
  time_ = record.time;
  sink_.append(record);
  progress_.see(record, [this](std::size_t fault) { arm(fault); });
}

// The record comes while the function acts on what it stands for, or before it does.
void ServedFaults::arm(std::size_t fault) {
  const Action action = plan_.faults[fault].action;
  if (action == Action::lost_interrupt) {
    losing_.push_back(fault);
    disk_.lose_interrupt();
  } else if (action == Action::media_error || faults::happens_in_device(action)) {
    devices_.arm(fault, plan_.faults[fault]);
  } else {
    due_.push_back(fault);
  }
}

void ServedFaults::settle() {
  for (const std::size_t fault : std::exchange(due_, {})) {
    act(fault);
    fired(fault);
  }
  for (const std::size_t fault : devices_.take_fired()) {
    fired(fault);
  }
  for (unsigned lost = disk_.take_lost_interrupts(); lost != 0 && !losing_.empty(); --lost) {
    fired(losing_.front());
    losing_.erase(losing_.begin());
  }
}

void ServedFaults::act(std::size_t fault) {
  if (plan_.faults[fault].action == Action::needs_reset) {
    disk_.need_reset();
  } else {
    disk_.remove();
  }
}

void ServedFaults::fired(std::size_t fault) { sink_.append(progress_.fired(fault, time_)); }

}  // namespace ringside::serve
