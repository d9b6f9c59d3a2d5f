// The functions on bus 0: finding them, and what each says of itself.
#pragma once

#include <cstdint>

#include "driver/hal/machine.h"
#include "driver/pci/config_space.h"

namespace ringside::pci {

struct DeviceInfo {
  Address address;
  std::uint16_t vendor = 0;
  std::uint16_t device = 0;
  std::uint32_t class_code = 0;  // class<<16 | subclass<<8 | programming interface
  std::uint8_t revision = 0;
  std::uint8_t header_type = 0;     // without the multi-function bit
  std::uint8_t interrupt_pin = 0;   // 0 none, 1 INTA .. 4 INTD
  std::uint8_t interrupt_line = 0;  // what firmware noted; meaningless where none ran
};

class Bus {
 public:
  explicit Bus(hal::Machine& machine) : machine_(&machine), config_(machine) {}

  // Scans every device and function of bus 0 and writes the boot messages. False when private memory has run out.
  bool init();

  [[nodiscard]] const ConfigSpace& config() const { return config_; }
  [[nodiscard]] unsigned count() const { return count_; }
  [[nodiscard]] const DeviceInfo& operator[](unsigned index) const { return devices_[index]; }

  // Null when there is none.
  [[nodiscard]] const DeviceInfo* find(std::uint16_t vendor, std::uint16_t device) const;

 private:
  void scan_device(std::uint8_t device);
  void add(Address address);
  void log_devices();

  hal::Machine* machine_;
  ConfigSpace config_;
  DeviceInfo* devices_ = nullptr;  // private memory
  unsigned count_ = 0;
};

// Sets bits of COMMAND (PCI_COMMAND_IO, _MEMORY, _MASTER) and clears others.
void enable_device(const ConfigSpace& config, Address address, std::uint16_t set, std::uint16_t clear = 0);

}  // namespace ringside::pci
