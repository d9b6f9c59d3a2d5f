// What the configuration space of a function says while something is wrong with it: bytes that read as others, and BARs
// that say another size. The machine is asked for the truth once, when the fault comes, past whoever watches the
// driver.
#pragma once

#include <array>
#include <cstdint>
#include <map>

#include "driver/hal/machine.h"
#include "testbench/faults/plan.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::faults {

// A function's configuration space by the ports, which every PC has. `latch` is what the driver last wrote to
// CONFIG_ADDRESS: it may be between address and data, and finds it there again.
class ConfigPorts {
 public:
  ConfigPorts(hal::Machine& machine, std::uint16_t bdf, const std::uint32_t& latch)
      : machine_(machine), bdf_(bdf), latch_(latch) {}
  [[nodiscard]] std::uint8_t read8(unsigned offset);
  [[nodiscard]] std::uint16_t read16(unsigned offset);
  void write16(unsigned offset, std::uint16_t value);
  // Of the first capability with this id; 0 when there is none.
  [[nodiscard]] unsigned capability(std::uint8_t id);

 private:
  void select(unsigned offset);
  void restore();

  hal::Machine& machine_;
  std::uint16_t bdf_;
  const std::uint32_t& latch_;
};

// Of one function.
class ConfigFaults {
 public:
  // False when the function is not like that: no capabilities.
  [[nodiscard]] bool rewrite(Action action, ConfigPorts& ports);
  void set_bar_size(unsigned power_of_two) { bar_bytes_ = std::uint32_t{1} << power_of_two; }

  void written(unsigned offset, unsigned width, std::uint32_t value);
  // What the driver gets in place of `value`.
  [[nodiscard]] std::uint32_t read(unsigned offset, unsigned width, std::uint32_t value) const;

 private:
  std::map<unsigned, std::uint8_t> bytes_;
  std::uint32_t bar_bytes_ = 0;  // 0: as they are
  std::array<bool, trace::kPciBars> sizing_{};
};

}  // namespace ringside::faults
