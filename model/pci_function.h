// One function on the PCI bus. Three TLM sockets, one per address space; a function claims what its BARs decode and
// answers TLM_ADDRESS_ERROR_RESPONSE to the rest, so that the bridge finds the claimer as a PCI bus does.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <systemc>
#include <tlm>

#include "model/clock.h"
#include "model/config_space.h"
#include "model/latencies.h"
#include "model/tap.h"

namespace ringside::model {

// A device number and a function number on bus 0.
struct Slot {
  std::uint8_t device = 0;
  std::uint8_t function = 0;
  [[nodiscard]] std::uint16_t number() const { return static_cast<std::uint16_t>(device << 3 | function); }
};

class PciFunction : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<PciFunction> config;  // address = offset in the configuration space
  tlm_utils::simple_target_socket<PciFunction> io;      // address = port
  tlm_utils::simple_target_socket<PciFunction> memory;  // address = bus address

  [[nodiscard]] Slot slot() const { return slot_; }

 protected:
  PciFunction(const sc_core::sc_module_name& name, Slot slot, const Clock& clock, ConfigSpace space);

  void power_on_function(const Latencies& latencies, Tap* tap);

  // An access to a BAR's range. `offset` is inside the BAR; `size` is 1, 2 or 4; false leaves it unclaimed.
  virtual bool bar_access(unsigned bar, Access& access, Picoseconds at) = 0;
  // Windows on the device in its own configuration space (VIRTIO_PCI_CAP_PCI_CFG) act before a read, after a write.
  virtual void before_config_read(unsigned /*offset*/, unsigned /*size*/, Picoseconds /*at*/) {}
  virtual void after_config_write(unsigned /*offset*/, unsigned /*size*/, Picoseconds /*at*/) {}

  // --- Construction and strapping: declares a BAR. `size` is a power of two.
  void define_bar(unsigned bar, std::uint32_t size, std::uint32_t flags);

  ConfigSpace space_;
  Latencies latencies_;
  Tap* tap_ = nullptr;
  const Clock& clock_;

 private:
  struct Bar {
    std::uint64_t size = 0;  // 0: none
    bool io = false;
    bool wide = false;       // 64 bits: the next register is its upper half
    std::uint64_t base = 0;  // as assigned
    bool decoded = false;
  };

  void config_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  void io_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  void memory_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  void bar_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay, bool io);
  void update_bars();

  Slot slot_;
  Bar bars_[kBars];
};

// A function that is nothing but its configuration space.
class ConfigOnlyFunction final : public PciFunction {
 public:
  ConfigOnlyFunction(const sc_core::sc_module_name& name, Slot slot, const Clock& clock, const ConfigSpace& space)
      : PciFunction(name, slot, clock, space) {}
  void power_on(const Latencies& latencies, Tap* tap) { power_on_function(latencies, tap); }

 private:
  bool bar_access(unsigned, Access&, Picoseconds) override { return false; }
};

}  // namespace ringside::model
