#include "testbench/faults/faulty_machine.h"

#include <algorithm>
#include <utility>

#include "testbench/trace/virtio_layout.h"

namespace ringside::faults {
namespace {

using trace::BarLocation;

constexpr std::uint8_t PCI_COMMAND = 0x04;
constexpr std::uint16_t PCI_COMMAND_MASTER = 4;
constexpr std::uint16_t PCI_COMMAND_INTX_DISABLE = 0x400;
constexpr std::uint16_t kConfigPorts = 4;

template <class Word>
constexpr Word kAllOnes = static_cast<Word>(~Word{0});

constexpr std::uint64_t kUntilDisarmed = ~std::uint64_t{0};

// How often it happens once it is armed.
std::uint64_t times_of(const Fault& fault) {
  switch (fault.action) {
    case Action::config_all_ones:
    case Action::register_all_ones:
    case Action::features_refused:
    case Action::reset_stuck:
    case Action::generation_races:
    case Action::interrupt_storm:
      return fault.value;
    case Action::queue_count:
    case Action::queue_size:
    case Action::bar_size:
    case Action::capability_loop:
    case Action::capability_dangling:
    case Action::capability_outside_bar:
      return kUntilDisarmed;
    default:
      return 1;
  }
}

// Devices store to rings at the same time: one access, as theirs.
template <class Word>
void store_shared(Word* at, Word value) {
  __atomic_store_n(at, value, __ATOMIC_RELEASE);
}

}  // namespace

// --- Arming

void FaultyMachine::arm(std::size_t index, const Fault& fault) {
  if (fault.action == Action::needs_reset) {
    needs_reset_[fault.unit] = {index, false, false};
    return;
  }
  for (auto& [vector, count] : delivered_) {
    count = inner_.interrupts(vector);  // what came before the trigger is not what a fault may lose
  }
  armed_.push_back({index, fault, times_of(fault), false});
  do_what_is_due();
}

void FaultyMachine::disarm() {
  armed_.clear();
  needs_reset_.clear();
  config_faults_.clear();
  absent_.clear();
}

void FaultyMachine::fires(std::size_t place) {
  if (!std::exchange(armed_[place].said, true)) {
    listener_->fired(armed_[place].index);
  }
}

void FaultyMachine::happens(std::size_t place) {
  fires(place);
  std::uint64_t& left = armed_[place].left;
  left -= left == kUntilDisarmed ? 0 : 1;
  if (left == 0) {
    drop(place);
  }
}

template <class Which>
bool FaultyMachine::take(Which which) {
  const auto found = std::find_if(armed_.begin(), armed_.end(), [&](const Armed& armed) { return which(armed.fault); });
  if (found == armed_.end()) {
    return false;
  }
  happens(static_cast<std::size_t>(found - armed_.begin()));
  return true;
}

// --- What is done to a function as a whole

bool FaultyMachine::is_removed(std::uint16_t function) const {
  const auto is_it = [&](std::uint8_t unit) {
    const auto found = function_of_.find(unit);
    return found != function_of_.end() && found->second == function;
  };
  return std::ranges::any_of(removed_, is_it) || std::ranges::any_of(absent_, is_it);
}

// Before the driver has found the function there is nothing that could be missed.
void FaultyMachine::do_what_is_due() {
  for (std::size_t i = 0; i < armed_.size();) {
    const auto function = function_of_.find(armed_[i].fault.unit);
    if (armed_[i].said || function == function_of_.end()) {
      ++i;
      continue;
    }
    switch (armed_[i].fault.action) {
      case Action::removed:
      case Action::function_absent:
      case Action::bus_master_off:
      case Action::self_reset:
      case Action::function_reset:
      case Action::capability_loop:
      case Action::capability_dangling:
      case Action::capability_outside_bar:
        break;
      default:
        ++i;
        continue;
    }
    const Armed armed = armed_[i];
    drop(i);
    const char* const why_not = do_to_function(armed.fault, function->second);
    why_not == nullptr ? listener_->fired(armed.index) : listener_->impossible(armed.index, why_not);
  }
}

// Null when it was done.
const char* FaultyMachine::do_to_function(const Fault& fault, std::uint16_t function) {
  ConfigPorts ports(inner_, function, config_address_);
  switch (fault.action) {
    case Action::removed:
      // Its DMA and interrupts end in the machine itself, and nobody drives its line; what is left is to answer for it.
      removed_.insert(fault.unit);
      ports.write16(PCI_COMMAND, PCI_COMMAND_INTX_DISABLE);
      return nullptr;
    case Action::function_absent:
      absent_.insert(fault.unit);
      return nullptr;
    case Action::bus_master_off:
      clear_command(function, PCI_COMMAND_MASTER);
      return nullptr;
    case Action::self_reset:
      return reset_below(fault.unit) ? nullptr : "self-reset: the driver has not written device_status in a BAR yet";
    case Action::function_reset:
      return reset_function(ports) ? nullptr : "function-reset: the function cannot be reset by itself (FLR)";
    default:
      return config_faults_[function].rewrite(fault.action, ports) ? nullptr : "the function has no capabilities";
  }
}

void FaultyMachine::clear_command(std::uint16_t function, std::uint16_t bits) {
  ConfigPorts ports(inner_, function, config_address_);
  ports.write16(PCI_COMMAND, static_cast<std::uint16_t>(ports.read16(PCI_COMMAND) & ~bits));
}

bool FaultyMachine::reset_below(std::uint8_t unit) {
  const auto place = status_of_.find(unit);
  if (place == status_of_.end()) {
    return false;
  }
  if (place->second.port) {
    inner_.out8(static_cast<std::uint16_t>(place->second.address), 0);
  } else {
    inner_.mmio_write8(place->second.address, 0);
  }
  return true;
}

bool FaultyMachine::reset_function(ConfigPorts& ports) {
  constexpr unsigned kDeviceCapabilities = 4;
  constexpr unsigned kUpperHalf = 2;
  constexpr std::uint16_t kCanReset = 0x1000;  // bit 28 (PCIe 4.0, 7.5.3.3)
  const unsigned express = ports.capability(trace::PCI_CAP_ID_EXP);
  if (express == 0 || (ports.read16(express + kDeviceCapabilities + kUpperHalf) & kCanReset) == 0) {
    return false;
  }
  const unsigned control = express + trace::kExpressDeviceControl;
  ports.write16(control, static_cast<std::uint16_t>(ports.read16(control) | trace::PCI_EXP_DEVCTL_BCR_FLR));
  return true;
}

// --- Configuration space

bool FaultyMachine::is_config_data(std::uint16_t port) const {
  return port >= trace::PCI_CONFIG_DATA && port < trace::PCI_CONFIG_DATA + kConfigPorts &&
         (config_address_ & trace::PCI_CONFIG_ENABLE) != 0;
}

trace::ConfigAddress FaultyMachine::selected(std::uint16_t port) const {
  return {static_cast<std::uint16_t>(config_address_ >> 8), (config_address_ & 0xfc) + (port & 3u)};
}

void FaultyMachine::learn_config(bool write, const trace::ConfigAddress& at, unsigned width, std::uint32_t value) {
  if (write) {
    pci_.config_written(at.bdf, at.offset, width, value);
  } else {
    pci_.config_read(at.bdf, at.offset, width, value);
  }
  if (const int unit = pci_.unit_of(at.bdf); unit >= 0) {
    function_of_[static_cast<std::uint8_t>(unit)] = at.bdf;
    do_what_is_due();
  }
}

// What is wrong with it the driver sees, and the truth stays below.
std::uint32_t FaultyMachine::changed_config(const trace::ConfigAddress& at, unsigned width, std::uint32_t value) {
  const int unit = pci_.unit_of(at.bdf);
  if (unit < 0) {
    return value;
  }
  for (std::size_t i = 0; i < armed_.size(); ++i) {
    const Fault& fault = armed_[i].fault;
    if (fault.unit != unit) {
      continue;
    }
    if (fault.action == Action::config_all_ones) {
      happens(i);
      return ~std::uint32_t{0};
    }
    if (fault.action == Action::bar_size) {
      config_faults_[at.bdf].set_bar_size(fault.value);
    }
  }
  const auto faults = config_faults_.find(at.bdf);
  const std::uint32_t changed = faults == config_faults_.end() ? value : faults->second.read(at.offset, width, value);
  if (changed != value) {
    static_cast<void>(take([&](const Fault& fault) { return fault.action == Action::bar_size && fault.unit == unit; }));
  }
  return changed;
}

template <class Word, class Access>
Word FaultyMachine::config_read(const trace::ConfigAddress& at, Access access) {
  if (is_removed(at.bdf)) {
    return kAllOnes<Word>;
  }
  const Word value = access();
  if (const auto window = pci_.through_window(at); window.has_value()) {
    return register_read<Word>(window->where, window->width, value);
  }
  learn_config(false, at, sizeof(Word), value);
  return static_cast<Word>(changed_config(at, sizeof(Word), value));
}

template <class Word, class Access>
void FaultyMachine::config_write(const trace::ConfigAddress& at, Word value, Access access) {
  if (is_removed(at.bdf)) {
    return;
  }
  if (const auto window = pci_.through_window(at); window.has_value()) {
    if (const auto written = register_write(window->where, window->width, value)) {
      access(static_cast<Word>(*written));
    }
    return;
  }
  learn_config(true, at, sizeof(Word), value);
  // What is sized now may be asked for its size under a fault that comes later.
  if (pci_.unit_of(at.bdf) >= 0) {
    config_faults_[at.bdf].written(at.offset, sizeof(Word), value);
  }
  access(value);
}

// --- Registers

template <class Word>
Word FaultyMachine::register_read(const BarLocation& where, unsigned width, Word value) {
  if (!where.found) {
    return value;
  }
  for (std::size_t i = 0; i < armed_.size(); ++i) {
    const Armed& armed = armed_[i];
    const auto changed = armed.fault.unit == where.unit
                             ? register_faults_.read(armed.fault, armed.left, where, width, value)
                             : std::nullopt;
    if (changed.has_value()) {
      happens(i);
      return static_cast<Word>(*changed);
    }
  }
  const auto broken = needs_reset_.find(where.unit);
  if (!is_status(where, width) || broken == needs_reset_.end()) {
    return value;
  }
  if (!broken->second.seen) {
    broken->second.seen = true;
    listener_->fired(broken->second.index);
  }
  return static_cast<Word>(value | trace::VIRTIO_CONFIG_S_NEEDS_RESET);
}

std::optional<std::uint32_t> FaultyMachine::register_write(const BarLocation& where, unsigned width,
                                                           std::uint32_t value) {
  if (!where.found) {
    return value;
  }
  if (removed_.count(where.unit) != 0) {
    return std::nullopt;
  }
  register_faults_.written(where, value);
  if (is_status(where, width) && value == 0) {
    needs_reset_.erase(where.unit);
  }
  for (std::size_t i = 0; i < armed_.size(); ++i) {
    const auto changed =
        armed_[i].fault.unit == where.unit ? RegisterFaults::write(armed_[i].fault, where, width, value) : std::nullopt;
    if (changed.has_value()) {
      happens(i);
      return changed;
    }
  }
  return is_lost_doorbell() ? std::nullopt : std::optional(value);
}

void FaultyMachine::learn(const trace::Record& record) {
  memory_.see(record);
  if (record.kind == trace::Kind::doorbell) {
    doorbell_ = {record.unit, record.queue};
  }
}

// A device that needs a reset does nothing more; the others miss a doorbell only when a fault says so. The tap has just
// said which queue it is for: how a doorbell names its queue depends on transport and features (VIRTIO 1.2, 4.1.5.2).
bool FaultyMachine::is_lost_doorbell() {
  if (!doorbell_.has_value()) {
    return false;
  }
  const auto [unit, queue] = *doorbell_;
  doorbell_.reset();
  const bool lost = take([&, of = unit, number = queue](const Fault& fault) {
    return fault.action == Action::lost_doorbell && fault.unit == of && fault.queue == number;
  });
  return lost || needs_reset_.count(unit) != 0;
}

template <class Word, class Access>
Word FaultyMachine::port_read(std::uint16_t port, Access access) {
  if (is_config_data(port)) {
    return config_read<Word>(selected(port), access);
  }
  const BarLocation where = pci_.at_port(port);
  return where.found && removed_.count(where.unit) != 0 ? kAllOnes<Word>
                                                        : register_read<Word>(where, sizeof(Word), access());
}

template <class Word, class Access>
void FaultyMachine::port_write(std::uint16_t port, Word value, Access access) {
  if (is_config_data(port)) {
    config_write(selected(port), value, access);
    return;
  }
  if (port == trace::PCI_CONFIG_ADDRESS && sizeof(Word) == 4) {
    config_address_ = value;
    access(value);
    return;
  }
  const BarLocation where = pci_.at_port(port);
  if (where.found && is_status(where, sizeof(Word))) {
    status_of_[where.unit] = {true, port};
  }
  if (const auto written = register_write(where, sizeof(Word), value)) {
    access(static_cast<Word>(*written));
  }
}

std::uint8_t FaultyMachine::in8(std::uint16_t port) {
  return port_read<std::uint8_t>(port, [&] { return inner_.in8(port); });
}
std::uint16_t FaultyMachine::in16(std::uint16_t port) {
  return port_read<std::uint16_t>(port, [&] { return inner_.in16(port); });
}
std::uint32_t FaultyMachine::in32(std::uint16_t port) {
  return port_read<std::uint32_t>(port, [&] { return inner_.in32(port); });
}
void FaultyMachine::out8(std::uint16_t port, std::uint8_t value) {
  port_write(port, value, [&](std::uint8_t written) { inner_.out8(port, written); });
}
void FaultyMachine::out16(std::uint16_t port, std::uint16_t value) {
  port_write(port, value, [&](std::uint16_t written) { inner_.out16(port, written); });
}
void FaultyMachine::out32(std::uint16_t port, std::uint32_t value) {
  port_write(port, value, [&](std::uint32_t written) { inner_.out32(port, written); });
}

template <class Word, class Access>
Word FaultyMachine::memory_read(std::uint64_t address, Access access) {
  if (const auto at = pci_.at_ecam(address); at.has_value()) {
    return config_read<Word>(*at, access);
  }
  const BarLocation where = pci_.at_memory(address);
  return where.found && removed_.count(where.unit) != 0 ? kAllOnes<Word>
                                                        : register_read<Word>(where, sizeof(Word), access());
}

template <class Word, class Access>
void FaultyMachine::memory_write(std::uint64_t address, Word value, Access access) {
  if (const auto at = pci_.at_ecam(address); at.has_value()) {
    config_write(*at, value, access);
    return;
  }
  const BarLocation where = pci_.at_memory(address);
  if (where.found && is_status(where, sizeof(Word))) {
    status_of_[where.unit] = {false, address};
  }
  if (const auto written = register_write(where, sizeof(Word), value)) {
    access(static_cast<Word>(*written));
  }
}

std::uint8_t FaultyMachine::mmio_read8(std::uint64_t address) {
  return memory_read<std::uint8_t>(address, [&] { return inner_.mmio_read8(address); });
}
std::uint16_t FaultyMachine::mmio_read16(std::uint64_t address) {
  return memory_read<std::uint16_t>(address, [&] { return inner_.mmio_read16(address); });
}
std::uint32_t FaultyMachine::mmio_read32(std::uint64_t address) {
  return memory_read<std::uint32_t>(address, [&] { return inner_.mmio_read32(address); });
}
void FaultyMachine::mmio_write8(std::uint64_t address, std::uint8_t value) {
  memory_write(address, value, [&](std::uint8_t written) { inner_.mmio_write8(address, written); });
}
void FaultyMachine::mmio_write16(std::uint64_t address, std::uint16_t value) {
  memory_write(address, value, [&](std::uint16_t written) { inner_.mmio_write16(address, written); });
}
void FaultyMachine::mmio_write32(std::uint64_t address, std::uint32_t value) {
  memory_write(address, value, [&](std::uint32_t written) { inner_.mmio_write32(address, written); });
}

// --- Memory

hal::DmaBuffer FaultyMachine::alloc_dma_buffer(std::size_t size, std::size_t alignment) {
  const hal::DmaBuffer buffer = inner_.alloc_dma_buffer(size, alignment);
  if (buffer.cpu != nullptr) {
    memory_.allocated(buffer, alignment);
  }
  return buffer;
}

void FaultyMachine::free_dma_buffer(const hal::DmaBuffer& buffer) {
  memory_.freed(buffer);
  inner_.free_dma_buffer(buffer);
}

void FaultyMachine::before_look(std::uint8_t unit, std::uint16_t queue) {
  for (std::size_t i = 0; i < armed_.size();) {
    const Fault& fault = armed_[i].fault;
    const std::size_t index = armed_[i].index;
    const bool here = fault.unit == unit && fault.queue == queue;
    if (const char* const why = here ? why_impossible(fault) : nullptr; why != nullptr) {
      drop(i);
      listener_->impossible(index, why);
      continue;
    }
    if (!here || !change_used_memory(fault)) {
      ++i;
      continue;
    }
    drop(i);
    shown_.push_back(index);
  }
}

void FaultyMachine::after_look() {
  for (const std::size_t fault : shown_) {
    listener_->fired(fault);
  }
  shown_.clear();
}

const char* FaultyMachine::why_impossible(const Fault& fault) {
  const bool packed = memory_.is_packed(fault.unit, fault.queue);
  switch (fault.action) {
    case Action::used_index:
      return packed ? "used-index: a packed ring has no used index" : nullptr;
    case Action::used_index_back:
      return packed ? "used-index-back: a packed ring has no used index" : nullptr;
    case Action::used_twice:
      return packed ? "used-twice: a packed ring has no used index; what comes next in it is the driver's" : nullptr;
    case Action::status_byte:
      return packed ? "status-byte: on a packed ring the chain is written over by the time that it is used" : nullptr;
    case Action::used_flags:
      return !packed && memory_.used_index(fault.unit, fault.queue) != nullptr ? "used-flags: a split ring has none"
                                                                               : nullptr;
    default:
      return nullptr;
  }
}

// Of used.idx, whether anything was used or not.
bool FaultyMachine::change_index(const Fault& fault) {
  std::uint16_t* const index = memory_.used_index(fault.unit, fault.queue);
  if (index == nullptr) {
    return false;
  }
  const std::uint16_t now = __atomic_load_n(index, __ATOMIC_ACQUIRE);
  const std::uint32_t other = fault.action == Action::used_index ? now + fault.value : now - fault.value;
  store_shared(index, static_cast<std::uint16_t>(other));
  return true;
}

bool FaultyMachine::change_used_memory(const Fault& fault) {
  switch (fault.action) {
    case Action::used_index:
    case Action::used_index_back:
      return change_index(fault);
    case Action::avail_event:
      return memory_.write_avail_event(fault.unit, fault.queue, static_cast<std::uint16_t>(fault.value));
    case Action::used_twice:
      return memory_.repeat_newest(fault.unit, fault.queue);
    case Action::used_flags:
      return memory_.turn_wrap_bit(fault.unit, fault.queue);
    default:
      break;
  }
  const std::optional<UsedElement> element = memory_.newest_used(fault.unit, fault.queue);
  if (!element.has_value()) {
    return false;
  }
  switch (fault.action) {
    case Action::used_id:
      element->set_id(fault.value);
      return true;
    case Action::used_length:
      element->set_length(fault.value);
      return true;
    case Action::descriptors_rewritten:
      return memory_.rewrite_descriptors(fault.unit, fault.queue, element->get_id());
    case Action::status_byte: {
      std::uint8_t* const status = memory_.status_byte(fault.unit, fault.queue, element->get_id());
      if (status != nullptr) {
        store_shared(status, static_cast<std::uint8_t>(fault.value));
      }
      return status != nullptr;
    }
    default:
      return false;
  }
}

// --- Interrupts

std::uint64_t FaultyMachine::as_seen(unsigned vector, std::uint64_t count) const {
  const auto added = added_interrupts_.find(vector);
  return added == added_interrupts_.end() ? count : count + static_cast<std::uint64_t>(added->second);
}

std::uint64_t FaultyMachine::interrupts(unsigned vector) {
  const std::uint64_t count = inner_.interrupts(vector);
  std::uint64_t& delivered = delivered_[vector];
  if (count != delivered && take([](const Fault& f) { return f.action == Action::lost_interrupt; })) {
    added_interrupts_[vector] -= static_cast<std::int64_t>(count - delivered);
  }
  delivered = count;
  return as_seen(vector, count);
}

// A spurious interrupt, or the one by which a device says that it needs a reset.
bool FaultyMachine::announce() {
  for (auto& [unit, broken] : needs_reset_) {
    if (!broken.announced) {
      broken.announced = true;
      return true;
    }
  }
  return take(
      [](const Fault& f) { return f.action == Action::spurious_interrupt || f.action == Action::interrupt_storm; });
}

bool FaultyMachine::wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline) {
  if (interrupts(vector) != seen) {
    return true;
  }
  if (announce()) {
    ++added_interrupts_[vector];
    return true;
  }
  // An interrupt that is lost does not end the wait.
  while (inner_.wait(vector, delivered_[vector], deadline)) {
    if (interrupts(vector) != seen) {
      return true;
    }
  }
  return false;
}

}  // namespace ringside::faults
