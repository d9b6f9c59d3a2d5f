// The faults of a plan that happen inside the model's devices. Each disk gets a model::DeviceFaults of its own, which
// answers the device's questions from the list of what is armed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "model/device_faults.h"
#include "testbench/faults/plan.h"

namespace ringside::faults {

// One disk's.
class UnitFaults final : public model::DeviceFaults {
 public:
  // A device that reads memory stale needs what it read before.
  UnitFaults(bool concerns_memory, bool remembers) : concerns_memory_(concerns_memory), remembers_(remembers) {}

  void arm(std::size_t index, const Fault& fault) { armed_.push_back({index, fault, fault.value, fault.times}); }
  void disarm() { armed_.clear(); }
  // The places in the plan of what has fired since the last call. A device says so in the middle of its work, when
  // nobody may ask the machine for the time.
  [[nodiscard]] std::vector<std::size_t> take_fired();
  [[nodiscard]] bool any_fired() const { return !fired_.empty(); }

  bool concerns_memory() const override { return concerns_memory_; }
  void before_dma(model::DmaAccess& access) override;
  void after_read(std::uint64_t address, std::uint8_t* data, std::uint64_t size) override;
  model::MediaFault media(std::uint32_t type, std::uint64_t sector, std::uint64_t bytes) override;
  model::Delay delay(std::uint16_t queue) override;
  model::Finish finish(std::uint16_t queue) override;
  model::Picoseconds interrupt_ahead(std::uint16_t queue) override;
  void message(model::Message& message) override;
  bool line_stuck() override;
  void was_reset() override;

 private:
  struct Armed {
    std::size_t index = 0;
    Fault fault;
    std::uint64_t passing = 0;  // of accesses to memory: so many go by untouched
    std::uint32_t times = 1;
  };

  void used_up(std::size_t place);
  template <class Which>
  bool take(Which which, std::uint32_t* value = nullptr);
  bool take_of(Action action, std::uint16_t queue, std::uint32_t* value = nullptr);
  void apply(Action action, model::DmaAccess& access);
  void make_stale(std::uint64_t address, std::uint8_t* data, std::uint64_t size);

  bool concerns_memory_;
  bool remembers_;
  std::vector<Armed> armed_;
  std::vector<std::size_t> fired_;
  std::map<std::uint64_t, std::vector<std::uint8_t>> read_before_;  // by address
  bool stale_ = false;                                              // the read that is under way
};

class DeviceInjector {
 public:
  explicit DeviceInjector(const Plan& plan);
  DeviceInjector(const DeviceInjector&) = delete;
  DeviceInjector& operator=(const DeviceInjector&) = delete;

  void arm(std::size_t index, const Fault& fault);
  void disarm();
  [[nodiscard]] std::vector<std::size_t> take_fired();
  // Whether that would give any: asked with each record of a log.
  [[nodiscard]] bool any_fired() const { return std::ranges::any_of(in_order_, &UnitFaults::any_fired); }
  // Whether the plan has anything for this disk.
  [[nodiscard]] bool concerns(std::uint8_t unit) const { return units_.contains(unit); }
  [[nodiscard]] UnitFaults& unit(std::uint8_t unit) { return units_.at(unit); }

 private:
  std::map<std::uint8_t, UnitFaults> units_;
  std::vector<const UnitFaults*> in_order_;  // the same
};

}  // namespace ringside::faults
