#include "model/pci_bridge.h"

namespace ringside::model {
namespace {

// Claims of its own, beside those of its BARs.
constexpr unsigned kPrefetchableWindow = kBars;
constexpr unsigned kMemoryWindow = kBars + 1;
constexpr unsigned kIoWindow = kBars + 2;

constexpr unsigned kSlotControl = 0x6c;         // of a root port, see root_port_config_space()
constexpr std::uint8_t kPowerIndicatorOff = 3;  // in its upper byte

}  // namespace

PciBridge::PciBridge(const sc_core::sc_module_name& name, const Clock& clock, const ConfigSpace& space)
    : PciFunction(name, clock, space) {}

void PciBridge::power_on(const ConfigSpace& space, QuirkSet quirks, const Latencies& latencies, Tap* tap) {
  space_ = space;
  power_on_function(latencies, tap);
  quirks_.power_on(quirks, tap);
  secondary.power_on_below(*this);
  was_in_reset_ = false;
}

void PciBridge::occupy_slot() {
  if (quirks_.fires(Quirk::occupied_slot_indicator_off, 0)) {
    space_.set(kSlotControl + 1, space_[kSlotControl + 1] | kPowerIndicatorOff);
  }
}

void PciBridge::after_config_write(unsigned offset, unsigned size, Picoseconds at) {
  const auto touches = [offset, size](unsigned first, unsigned bytes) {
    return offset < first + bytes && offset + size > first;
  };
  if (touches(PCI_COMMAND, 2)) {
    // 3.2.5.1: without it the bridge forwards nothing upstream.
    secondary.let_masters_act((space_.command() & PCI_COMMAND_MASTER) != 0);
  }
  constexpr unsigned kWindowBytes = PCI_IO_LIMIT_UPPER16 + 2 - PCI_IO_BASE;
  if (touches(PCI_COMMAND, 2) || touches(PCI_IO_BASE, kWindowBytes)) {
    update_windows();
  }
  if (touches(PCI_BRIDGE_CONTROL, 2)) {
    if (in_reset() && !was_in_reset_) {
      secondary.reset_functions(at);
    }
    was_in_reset_ = in_reset();
  }
}

bool PciBridge::passes_anyway(Picoseconds at) { return quirks_.fires(Quirk::bridge_master_ignored, at); }

// In this order, as any programming of a window is the newest claim of all three.
void PciBridge::update_windows() {
  update_window(kPrefetchableWindow, AddressSpace::memory, prefetchable_window(), PCI_COMMAND_MEMORY);
  update_window(kMemoryWindow, AddressSpace::memory, memory_window(), PCI_COMMAND_MEMORY);
  update_window(kIoWindow, AddressSpace::io, io_window(), PCI_COMMAND_IO);
}

// 3.2.5.6 and on: a window whose base lies above its limit is closed.
void PciBridge::update_window(unsigned number, AddressSpace space, const AddressRange& range, std::uint16_t enable) {
  if ((space_.command() & enable) != 0 && range.first <= range.last) {
    claim(space, number, range);
  } else {
    release(space, number);
  }
}

AddressRange PciBridge::io_window() const {
  const auto edge = [this](unsigned low, unsigned high) {
    const std::uint64_t pages = space_[low] & ~PCI_IO_RANGE_TYPE_MASK & 0xffu;
    const bool wide = (space_[low] & PCI_IO_RANGE_TYPE_MASK) == PCI_IO_RANGE_TYPE_32;
    return pages << 8 | (wide ? std::uint64_t{space_.read(high, 2)} << 16 : 0);
  };
  return {edge(PCI_IO_BASE, PCI_IO_BASE_UPPER16), edge(PCI_IO_LIMIT, PCI_IO_LIMIT_UPPER16) | 0xfff};
}

AddressRange PciBridge::memory_window() const {
  return {std::uint64_t{space_.read(PCI_MEMORY_BASE, 2) & 0xfff0u} << 16,
          std::uint64_t{space_.read(PCI_MEMORY_LIMIT, 2) & 0xfff0u} << 16 | 0xf'ffff};
}

AddressRange PciBridge::prefetchable_window() const {
  const auto edge = [this](unsigned low, unsigned high) {
    const std::uint32_t megabytes = space_.read(low, 2);
    const bool wide = (megabytes & PCI_PREF_RANGE_TYPE_MASK) == PCI_PREF_RANGE_TYPE_64;
    return std::uint64_t{megabytes & 0xfff0u} << 16 | (wide ? std::uint64_t{space_.read(high, 4)} << 32 : 0);
  };
  return {edge(PCI_PREF_MEMORY_BASE, PCI_PREF_BASE_UPPER32),
          edge(PCI_PREF_MEMORY_LIMIT, PCI_PREF_LIMIT_UPPER32) | 0xf'ffff};
}

// A cycle of type 1 goes down while its bus is in the range of the bridge, and is one of type 0 on the bus that it
// names (PCI 3.0, 3.2.2.3.1).
void PciBridge::forward_config(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
  const std::uint64_t address = transaction.get_address();
  const std::uint64_t bus = address >> kConfigBusShift & 0xff;
  if (in_reset() || bus < space_[PCI_SECONDARY_BUS] || bus > space_[PCI_SUBORDINATE_BUS]) {
    transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  if (bus == space_[PCI_SECONDARY_BUS]) {
    transaction.set_address(address & ~kConfigTypeOne);
  }
  secondary.config_transport(transaction, delay);
  transaction.set_address(address);
}

void PciBridge::forward(AddressSpace space, tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
  secondary.transport(space, transaction, delay);
}

}  // namespace ringside::model
