// One PCI function. Three TLM sockets, one per address space. What its BARs decode at the moment it claims from the bus
// that it sits on; an access that it does not know gets TLM_ADDRESS_ERROR_RESPONSE.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <systemc>
#include <tlm>

#include "model/address_map.h"
#include "model/clock.h"
#include "model/config_space.h"
#include "model/latencies.h"
#include "model/tap.h"

namespace ringside::model {

// A device number and a function number on a bus.
struct Slot {
  std::uint8_t device = 0;
  std::uint8_t function = 0;
  [[nodiscard]] std::uint16_t number() const { return static_cast<std::uint16_t>(device << 3 | function); }
};

// The address of a configuration cycle: bus, device and function as in ECAM (PCIe 4.0, 7.2.2), and whether it is still
// to go through a bridge (type 1) or is for a function of this bus (type 0).
inline constexpr std::uint64_t kConfigTypeOne = 1ull << 28;
inline constexpr unsigned kConfigBusShift = 20;
inline constexpr unsigned kConfigFunctionShift = 12;

enum class AddressSpace : std::uint8_t { io, memory };

// The bus, as a function sees it: told what the function decodes. Numbers are the function's own.
class ClaimSink {
 public:
  virtual void claim(AddressSpace space, unsigned number, const AddressRange& range) = 0;
  virtual void release(AddressSpace space, unsigned number) = 0;

 protected:
  ~ClaimSink() = default;
};

class PciFunction : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<PciFunction> config;  // address = as above
  tlm_utils::simple_target_socket<PciFunction> io;      // address = port
  tlm_utils::simple_target_socket<PciFunction> memory;  // address = bus address

  [[nodiscard]] Slot slot() const { return slot_; }

  // --- For a machine that decodes addresses itself, as a VMM does that hands the function to a guest.
  // An access to a BAR; the transaction's address is the offset in it. TLM_ADDRESS_ERROR_RESPONSE while the command
  // register does not let the function answer.
  void access_bar(unsigned bar, tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  // 0: there is none, or it is the upper half of the one before.
  [[nodiscard]] std::uint64_t bar_bytes(unsigned bar) const { return bars_[bar].size; }
  [[nodiscard]] bool bar_is_io(unsigned bar) const { return bars_[bar].io; }
  [[nodiscard]] std::size_t config_bytes() const { return space_.bytes(); }

  // --- For the bus.
  void connect(ClaimSink& bus) { bus_ = &bus; }
  void place(Slot slot) { slot_ = slot; }
  // What a reset of the bus or a function-level reset leaves: registers as at power-on. Called in the middle of a run.
  virtual void reset(Picoseconds at);

 protected:
  PciFunction(const sc_core::sc_module_name& name, const Clock& clock, ConfigSpace space);

  // Before the function is plugged into a bus.
  void power_on_function(const Latencies& latencies, Tap* tap);

  // An access to a BAR's range. `offset` is inside the BAR; `size` is 1, 2 or 4; false leaves it unclaimed.
  virtual bool bar_access(unsigned bar, Access& access, Picoseconds at) = 0;
  bool aligned_accesses(unsigned bar, Access& access, Picoseconds at);
  // Windows on the device in its own configuration space (VIRTIO_PCI_CAP_PCI_CFG) act before a read, after a write.
  virtual void before_config_read(unsigned /*offset*/, unsigned /*size*/, Picoseconds /*at*/) {}
  virtual void after_config_write(unsigned /*offset*/, unsigned /*size*/, Picoseconds /*at*/) {}
  // What is not for this function but may be for somebody behind it: cycles of type 1, addresses outside its BARs.
  virtual void forward_config(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  virtual void forward(AddressSpace space, tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);

  // --- Construction and strapping: declares a BAR. `size` is a power of two.
  void define_bar(unsigned bar, std::uint32_t size, std::uint32_t flags);
  void clear_bars();
  // A function that sleeps answers configuration cycles only.
  void let_decode(bool allowed);

  // A range that is not a BAR's. Numbers from kBars up are free.
  void claim(AddressSpace space, unsigned number, const AddressRange& range);
  void release(AddressSpace space, unsigned number);

  ConfigSpace space_;
  Latencies latencies_;
  Tap* tap_ = nullptr;
  const Clock& clock_;

 private:
  struct Bar {
    std::uint64_t size = 0;  // 0: none
    bool io = false;
    bool wide = false;  // 64 bits: the next register is its upper half
    bool decoded = false;
    std::uint64_t base = 0;     // as assigned
    std::uint64_t claimed = 0;  // how many claims there were before this one: the newest of two that overlap answers
  };

  void config_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  void io_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  void memory_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  void bar_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay, AddressSpace space);
  void bar_register(unsigned bar, std::uint64_t offset, tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  [[nodiscard]] bool answers(const Bar& bar) const;
  [[nodiscard]] int bar_at(AddressSpace space, std::uint64_t address) const;
  void update_bars();
  void update_bar(unsigned index);

  Slot slot_;
  ClaimSink* bus_ = nullptr;
  Bar bars_[kBars];
  std::uint64_t claims_ = 0;
  bool may_decode_ = true;
};

// A function that is nothing but its configuration space.
class ConfigOnlyFunction final : public PciFunction {
 public:
  ConfigOnlyFunction(const sc_core::sc_module_name& name, const Clock& clock, const ConfigSpace& space)
      : PciFunction(name, clock, space) {}
  void power_on(const Latencies& latencies, Tap* tap) { power_on_function(latencies, tap); }

 private:
  bool bar_access(unsigned, Access&, Picoseconds) override { return false; }
};

}  // namespace ringside::model
