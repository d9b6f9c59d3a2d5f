// The raw steps of a program that speak to a device by its registers: finding it, configuration space, the virtio
// structures, status and features. Found and mapped by the driver's own code; after that every access is the program's.
#pragma once

#include <cstdint>

#include "driver/pci/bus.h"
#include "driver/virtio/legacy_transport.h"
#include "driver/virtio/modern_transport.h"
#include "testbench/scenarios/context.h"
#include "testbench/scenarios/program.h"
#include "testbench/scenarios/program_report.h"

namespace ringside::scenarios {

class ProgramDevice {
 public:
  ProgramDevice(Context& context, StepReport& report)
      : context_(context),
        report_(report),
        bus_(context.machine()),
        modern_(context.machine()),
        legacy_(context.machine()) {}
  ProgramDevice(const ProgramDevice&) = delete;
  ProgramDevice& operator=(const ProgramDevice&) = delete;

  void find(const Step& step);
  void config_read(const Step& step);
  void config_write(const Step& step);
  void register_read(const Step& step);
  // `value`: with what it counts from resolved.
  void register_write(const Step& step, std::uint64_t value);
  void reset();
  void status(const Step& step);
  void negotiate(const Step& step);
  // The program is over, and its memory goes: the device is to know of none.
  void leave();

  // Null, after a failed check, when none was found.
  [[nodiscard]] virtio::Transport* transport();
  [[nodiscard]] pci::RegisterWindow window(std::uint64_t structure) const;
  [[nodiscard]] std::uint64_t features() const { return features_; }  // as negotiated last

 private:
  // Where a register step points.
  struct Place {
    pci::RegisterWindow window;
    std::uint32_t offset = 0;
    std::uint64_t width = 0;
  };

  [[nodiscard]] Place place_of(const Step& step);
  [[nodiscard]] bool valid(const Place& place);
  [[nodiscard]] pci::Address function_of(const Step& step) const;
  // Of configuration space. False after a failed check.
  [[nodiscard]] bool may_access(std::uint16_t offset, std::uint64_t width);
  void tell(const Step& step, std::uint64_t value);
  void write_status(std::uint8_t value);

  Context& context_;
  StepReport& report_;
  pci::Bus bus_;
  virtio::ModernTransport modern_;
  virtio::LegacyTransport legacy_;
  virtio::Transport* transport_ = nullptr;
  pci::Address address_;
  std::uint64_t features_ = 0;
};

}  // namespace ringside::scenarios
