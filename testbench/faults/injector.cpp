#include "testbench/faults/injector.h"

namespace ringside::faults {

Injector::Injector(const Plan& plan, FaultyMachine& machine, trace::Sink& sink)
    : plan_(plan), machine_(machine), sink_(sink), devices_(plan), progress_(plan) {
  machine_.listen(*this);
}

void Injector::use(TargetFaults& target) {
  target_ = &target;
  for (const Fault& fault : plan_.faults) {
    if (devices_.concerns(fault.unit) && target.inject(fault.unit, devices_.unit(fault.unit))) {
      injected_.insert(fault.unit);
    }
  }
}

void Injector::append(const trace::Record& record) {
  settle();
  sink_.append(record);
  machine_.see(record);
  if (!calm_) {
    progress_.see(record, [this](std::size_t fault) { arm(fault); });
  }
}

void Injector::settle() {
  if (!devices_.any_fired()) {
    return;
  }
  for (const std::size_t fault : devices_.take_fired()) {
    fired(fault);
  }
}

void Injector::arm(std::size_t fault) {
  const Action action = plan_.faults[fault].action;
  if (injected_.contains(plan_.faults[fault].unit) && (happens_in_device(action) || action == Action::media_error)) {
    devices_.arm(fault, plan_.faults[fault]);
  } else if (is_of_target(action)) {
    act(fault);
  } else {
    machine_.arm(fault, plan_.faults[fault]);
  }
}

void Injector::act(std::size_t fault) {
  const Action action = plan_.faults[fault].action;
  if (action == Action::power_cut && target_ != nullptr) {
    fired(fault);  // nothing is recorded after it
  }
  if (target_ == nullptr || !done_by_target(plan_.faults[fault])) {
    impossible(fault, "a fault of the plan cannot be done to this disk of this target");
  } else if (action != Action::power_cut) {
    fired(fault);
  }
}

bool Injector::done_by_target(const Fault& fault) {
  switch (fault.action) {
    case Action::unplugged:
      return target_->unplug(fault.unit);
    case Action::replugged:
      return target_->unplug(fault.unit) && target_->plug(fault.unit);
    case Action::resized:
      return target_->resize(fault.unit, fault.value);
    case Action::config_storm:
      return storm(fault);
    case Action::media_error:
      return target_->fail_media(fault);
    case Action::power_cut:
      return target_->cut_power(fault);
    default:
      return false;
  }
}

// Larger and back again, so that no request is ever beyond the end.
bool Injector::storm(const Fault& fault) {
  constexpr std::uint64_t kMore = 8;
  const std::uint64_t sectors = target_->sectors(fault.unit);
  bool done = true;
  for (std::uint32_t i = 0; done && i < fault.value; ++i) {
    done = target_->resize(fault.unit, sectors + (i % 2 == 0 ? kMore : 0));
  }
  return done;
}

void Injector::calm() {
  calm_ = true;
  machine_.disarm();
  devices_.disarm();
}

void Injector::fired(std::size_t fault) { sink_.append(progress_.fired(fault, machine_.now())); }

void Injector::impossible(std::size_t, const char* why) { why_not_ = why; }

}  // namespace ringside::faults
