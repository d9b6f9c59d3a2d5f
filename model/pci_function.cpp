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

PciFunction::PciFunction(const sc_core::sc_module_name& name, const Clock& clock, ConfigSpace space)
    : sc_module(name), config("config"), io("io"), memory("memory"), space_(space), clock_(clock) {
  config.register_b_transport(this, &PciFunction::config_transport);
  io.register_b_transport(this, &PciFunction::io_transport);
  memory.register_b_transport(this, &PciFunction::memory_transport);
}

void PciFunction::power_on_function(const Latencies& latencies, Tap* tap) {
  latencies_ = latencies;
  tap_ = tap;
  space_.power_on();
  for (Bar& bar : bars_) {
    bar.decoded = false;
  }
  claims_ = 0;
  may_decode_ = true;
}

void PciFunction::reset(Picoseconds) {
  space_.power_on();
  update_bars();
}

void PciFunction::clear_bars() {
  for (Bar& bar : bars_) {
    bar = {};
  }
}

void PciFunction::let_decode(bool allowed) {
  may_decode_ = allowed;
  update_bars();
}

void PciFunction::define_bar(unsigned bar, std::uint32_t size, std::uint32_t flags) {
  const bool wide = (flags & PCI_BASE_ADDRESS_MEM_TYPE_64) != 0;
  space_.define32(PCI_BASE_ADDRESS_0 + 4 * bar, flags, ~(size - 1));
  if (wide) {
    space_.define32(PCI_BASE_ADDRESS_0 + 4 * (bar + 1), 0, ~std::uint32_t{0});
  }
  bars_[bar] = {};
  bars_[bar].size = size;
  bars_[bar].io = (flags & PCI_BASE_ADDRESS_SPACE_IO) != 0;
  bars_[bar].wide = wide;
}

void PciFunction::claim(AddressSpace space, unsigned number, const AddressRange& range) {
  ++claims_;
  if (bus_ != nullptr) {
    bus_->claim(space, number, range);
  }
}

void PciFunction::release(AddressSpace space, unsigned number) {
  if (bus_ != nullptr) {
    bus_->release(space, number);
  }
}

void PciFunction::update_bars() {
  for (unsigned i = 0; i < kBars; ++i) {
    if (bars_[i].size != 0) {
      update_bar(i);
    }
  }
}

void PciFunction::update_bar(unsigned index) {
  Bar& bar = bars_[index];
  const unsigned at = PCI_BASE_ADDRESS_0 + 4 * index;
  std::uint64_t base = space_.read(at, 4) & ~(bar.size - 1);
  base |= bar.wide ? std::uint64_t{space_.read(at + 4, 4)} << 32 : 0;
  const std::uint64_t last = base + bar.size - 1;
  // A BAR that was never assigned decodes nothing: address 0 is RAM, and the first ports belong to the chipset. Nor
  // does one that is being sized: all-ones would end with the address space.
  const std::uint64_t end = bar.wide ? ~std::uint64_t{0} : ~std::uint32_t{0};
  const bool decoded = base != 0 && last < end && answers(bar);
  if (decoded == bar.decoded && base == bar.base) {
    return;
  }
  bar.decoded = decoded;
  bar.base = base;
  const AddressSpace space = bar.io ? AddressSpace::io : AddressSpace::memory;
  if (decoded) {
    bar.claimed = claims_;
    claim(space, index, {base, last});
  } else {
    release(space, index);
  }
}

bool PciFunction::answers(const Bar& bar) const {
  return may_decode_ && (space_.command() & (bar.io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)) != 0;
}

void PciFunction::forward_config(tlm::tlm_generic_payload& transaction, sc_core::sc_time&) {
  transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

void PciFunction::forward(AddressSpace, tlm::tlm_generic_payload& transaction, sc_core::sc_time&) {
  transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

void PciFunction::config_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
  const std::uint64_t address = transaction.get_address();
  if ((address & kConfigTypeOne) != 0) {
    forward_config(transaction, delay);
    return;
  }
  const auto offset = static_cast<unsigned>(address & (kExtendedConfigBytes - 1));
  const unsigned size = transaction.get_data_length();
  if (!is_register_access(transaction) || offset + size > kExtendedConfigBytes) {
    transaction.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
    return;
  }
  delay += to_sc_time(latencies_.config_access_ns * kPicosecondsPerNanosecond);
  const Picoseconds at = clock_.now() + delay.value();
  const bool write = transaction.is_write();
  const bool exists = offset + size <= space_.bytes();
  if (!exists) {
    // The extended space of a conventional function: an unsupported request.
    if (!write) {
      set_value(transaction, ~std::uint64_t{0});
    }
  } else if (write) {
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
    const auto function = static_cast<std::uint16_t>(address >> kConfigFunctionShift);
    tap_->config_access(at, function, {offset, size, value_of(transaction), write});
  }
  transaction.set_response_status(tlm::TLM_OK_RESPONSE);
}

void PciFunction::io_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
  bar_transport(transaction, delay, AddressSpace::io);
}

void PciFunction::memory_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
  bar_transport(transaction, delay, AddressSpace::memory);
}

int PciFunction::bar_at(AddressSpace space, std::uint64_t address) const {
  int found = -1;
  // The highest first: the doorbell, in BAR 4, is the one register on the request path.
  for (int i = kBars - 1; i >= 0; --i) {
    const Bar& bar = bars_[i];
    if (bar.decoded && bar.io == (space == AddressSpace::io) && address - bar.base < bar.size &&
        (found < 0 || bar.claimed > bars_[found].claimed)) {
      found = i;
    }
  }
  return found;
}

void PciFunction::bar_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay, AddressSpace space) {
  const std::uint64_t address = transaction.get_address();
  const int index = bar_at(space, address);
  if (index < 0) {
    forward(space, transaction, delay);
    return;
  }
  const auto bar = static_cast<unsigned>(index);
  bar_register(bar, address - bars_[bar].base, transaction, delay);
}

void PciFunction::access_bar(unsigned bar, tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay) {
  if (bars_[bar].size == 0 || !answers(bars_[bar])) {
    transaction.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
    return;
  }
  bar_register(bar, transaction.get_address(), transaction, delay);
}

void PciFunction::bar_register(unsigned bar, std::uint64_t offset, tlm::tlm_generic_payload& transaction,
                               sc_core::sc_time& delay) {
  const unsigned size = transaction.get_data_length();
  if (!is_register_access(transaction) || offset + size > bars_[bar].size) {
    transaction.set_response_status(tlm::TLM_BURST_ERROR_RESPONSE);
    return;
  }
  const bool write = transaction.is_write();
  const std::uint64_t cost = write ? latencies_.register_write_ns : latencies_.register_read_ns;
  delay += to_sc_time(cost * kPicosecondsPerNanosecond);
  Access access{static_cast<std::uint32_t>(offset), size, write ? value_of(transaction) : 0, write};
  const bool claimed = aligned_accesses(bar, access, clock_.now() + delay.value());
  if (claimed && !write) {
    set_value(transaction, access.value);
  }
  transaction.set_response_status(claimed ? tlm::TLM_OK_RESPONSE : tlm::TLM_ADDRESS_ERROR_RESPONSE);
}

// What is not aligned comes to a function in pieces that are.
bool PciFunction::aligned_accesses(unsigned bar, Access& access, Picoseconds at) {
  if (access.offset % access.size == 0) {
    return bar_access(bar, access, at);
  }
  bool claimed = true;
  std::uint64_t value = 0;
  for (unsigned done = 0; done < access.size;) {
    const std::uint32_t offset = access.offset + done;
    const unsigned piece = offset % 2 == 0 && access.size - done >= 2 ? 2 : 1;
    const std::uint64_t mask = (std::uint64_t{1} << 8 * piece) - 1;
    Access part{offset, piece, access.value >> 8 * done & mask, access.write};
    claimed = bar_access(bar, part, at) && claimed;
    value |= (part.value & mask) << 8 * done;
    done += piece;
  }
  access.value = access.write ? access.value : value;
  return claimed;
}

}  // namespace ringside::model
