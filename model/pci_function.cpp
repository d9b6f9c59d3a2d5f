#include "model/pci_function.h"

#include <cstring>

namespace ringside::model {
namespace {

bool is_register_access(const tlm::tlm_generic_payload& transaction) {
  const unsigned size = transaction.get_data_length();
  return (size == 1 || size == 2 || size == 4) && transaction.get_byte_enable_ptr() == nullptr;
}

std::uint64_t value_of(const tlm::tlm_generic_payload& transaction) {
  std::uint32_t value = 0;
  std::memcpy(&value, transaction.get_data_ptr(), transaction.get_data_length());
  return value;
}

void set_value(tlm::tlm_generic_payload& transaction, std::uint64_t value) {
  const auto narrow = static_cast<std::uint32_t>(value);
  std::memcpy(transaction.get_data_ptr(), &narrow, transaction.get_data_length());
}

}  // namespace

PciFunction::PciFunction(const sc_core::sc_module_name& name, Slot slot, const Clock& clock, ConfigSpace space)
    : sc_module(name), config("config"), io("io"), memory("memory"), space_(space), clock_(clock), slot_(slot) {
  config.register_b_transport(this, &PciFunction::config_transport);
  io.register_b_transport(this, &PciFunction::io_transport);
  memory.register_b_transport(this, &PciFunction::memory_transport);
}

void PciFunction::power_on_function(const Latencies& latencies, Tap* tap) {
  latencies_ = latencies;
  tap_ = tap;
  space_.power_on();
  update_bars();
}

void PciFunction::define_bar(unsigned bar, std::uint32_t size, std::uint32_t flags) {
  const bool wide = (flags & PCI_BASE_ADDRESS_MEM_TYPE_64) != 0;
  space_.define32(PCI_BASE_ADDRESS_0 + 4 * bar, flags, ~(size - 1));
  if (wide) {
    space_.define32(PCI_BASE_ADDRESS_0 + 4 * (bar + 1), 0, ~std::uint32_t{0});
  }
  bars_[bar] = {size, (flags & PCI_BASE_ADDRESS_SPACE_IO) != 0, wide, 0, false};
}

void PciFunction::update_bars() {
  const std::uint16_t command = space_.command();
  for (unsigned i = 0; i < kBars; ++i) {
    Bar& bar = bars_[i];
    if (bar.size == 0) {
      continue;
    }
    const unsigned at = PCI_BASE_ADDRESS_0 + 4 * i;
    bar.base = space_.read(at, 4) & ~(bar.size - 1);
    bar.base |= bar.wide ? std::uint64_t{space_.read(at + 4, 4)} << 32 : 0;
    // A BAR that was never assigned decodes nothing: address 0 is RAM, and the first ports belong to the chipset.
    bar.decoded = bar.base != 0 && (command & (bar.io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)) != 0;
  }
}

void PciFunction::config_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
  const auto offset = static_cast<unsigned>(transaction.get_address());
  const unsigned size = transaction.get_data_length();
  if (!is_register_access(transaction) || offset + size > kConfigBytes) {
    transaction.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
    return;
  }
  delay += to_sc_time(latencies_.config_access_ns * kPicosecondsPerNanosecond);
  const Picoseconds at = clock_.now() + delay.value();
  const bool write = transaction.is_write();
  if (write) {
    space_.write(offset, size, static_cast<std::uint32_t>(value_of(transaction)));
    if (offset < PCI_BASE_ADDRESS_0 + 4 * kBars) {
      update_bars();
    }
    after_config_write(offset, size, at);
  } else {
    before_config_read(offset, size, at);
    set_value(transaction, space_.read(offset, size));
  }
  if (tap_ != nullptr) {
    tap_->config_access(at, slot_.number(), {offset, size, value_of(transaction), write});
  }
  transaction.set_response_status(tlm::TLM_OK_RESPONSE);
}

void PciFunction::io_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
  bar_transport(transaction, delay, true);
}

void PciFunction::memory_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
  bar_transport(transaction, delay, false);
}

void PciFunction::bar_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay, bool io_space) {
  const std::uint64_t address = transaction.get_address();
  const unsigned size = transaction.get_data_length();
  // The highest first: the doorbell, in BAR 4, is the one register on the request path.
  for (unsigned i = kBars; i-- > 0;) {
    const Bar& bar = bars_[i];
    if (!bar.decoded || bar.io != io_space || address - bar.base >= bar.size) {
      continue;
    }
    if (!is_register_access(transaction) || address - bar.base + size > bar.size) {
      transaction.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
      return;
    }
    const bool write = transaction.is_write();
    const std::uint64_t cost = write ? latencies_.register_write_ns : latencies_.register_read_ns;
    delay += to_sc_time(cost * kPicosecondsPerNanosecond);
    Access access{static_cast<std::uint32_t>(address - bar.base), size, write ? value_of(transaction) : 0, write};
    const bool claimed = bar_access(i, access, clock_.now() + delay.value());
    if (claimed && !write) {
      set_value(transaction, access.value);
    }
    transaction.set_response_status(claimed ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

}  // namespace ringside::model
