#include "testbench/faults/faulty_machine.h"

#include <algorithm>

#include "testbench/trace/virtio_layout.h"

namespace ringside::faults {
namespace {

using trace::BarLocation;
using trace::Structure;

constexpr std::uint32_t kConfigEnable = 0x8000'0000;
constexpr std::uint8_t PCI_COMMAND = 0x04;
constexpr std::uint16_t kConfigPorts = 4;

template <class Word>
constexpr Word kAllOnes = static_cast<Word>(~Word{0});

bool is_status(const BarLocation& where, unsigned width) {
  const bool modern = where.structure == Structure::common && where.offset == trace::VIRTIO_PCI_COMMON_STATUS;
  const bool legacy = where.structure == Structure::legacy && where.offset == trace::VIRTIO_PCI_STATUS;
  return width == 1 && (modern || legacy);
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
  armed_.push_back({index, fault});
  remove_what_is_due();
}

void FaultyMachine::disarm() {
  armed_.clear();
  needs_reset_.clear();
}

template <class Which>
bool FaultyMachine::take(Which which) {
  const auto found = std::find_if(armed_.begin(), armed_.end(), [&](const Armed& armed) { return which(armed.fault); });
  if (found == armed_.end()) {
    return false;
  }
  const std::size_t index = found->index;
  armed_.erase(found);
  listener_->fired(index);
  return true;
}

// --- Removal. Bus mastering and decoding are taken from the function for good, so that its DMA and interrupts end in
// the machine itself; what is left is to answer for it.

bool FaultyMachine::is_removed(std::uint16_t function) const {
  return std::any_of(removed_.begin(), removed_.end(), [&](std::uint8_t unit) {
    const auto found = function_of_.find(unit);
    return found != function_of_.end() && found->second == function;
  });
}

void FaultyMachine::remove_what_is_due() {
  for (std::size_t i = 0; i < armed_.size();) {
    const Armed armed = armed_[i];
    const auto function = function_of_.find(armed.fault.unit);
    // Before the driver has found the function there is nothing that could be missed.
    if (armed.fault.action != Action::removed || function == function_of_.end()) {
      ++i;
      continue;
    }
    armed_.erase(armed_.begin() + static_cast<std::ptrdiff_t>(i));
    removed_.insert(armed.fault.unit);
    remove(function->second);
    listener_->fired(armed.index);
  }
}

void FaultyMachine::remove(std::uint16_t function) {
  inner_.out32(trace::PCI_CONFIG_ADDRESS, kConfigEnable | std::uint32_t{function} << 8 | PCI_COMMAND);
  inner_.out16(trace::PCI_CONFIG_DATA, 0);
  inner_.out32(trace::PCI_CONFIG_ADDRESS, config_address_);  // the driver may be between address and data
}

// --- Configuration space

bool FaultyMachine::is_config_data(std::uint16_t port) const {
  return port >= trace::PCI_CONFIG_DATA && port < trace::PCI_CONFIG_DATA + kConfigPorts &&
         (config_address_ & kConfigEnable) != 0;
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
    remove_what_is_due();
  }
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
  return value;
}

template <class Word, class Access>
void FaultyMachine::config_write(const trace::ConfigAddress& at, Word value, Access access) {
  if (is_removed(at.bdf)) {
    return;
  }
  if (const auto window = pci_.through_window(at); window.has_value()) {
    if (register_write(window->where, window->width, value)) {
      access();
    }
    return;
  }
  learn_config(true, at, sizeof(Word), value);
  access();
}

// --- Registers

template <class Word>
Word FaultyMachine::register_read(const BarLocation& where, unsigned width, Word value) {
  if (!where.found || !is_status(where, width)) {
    return value;
  }
  if (take([&](const Fault& f) { return f.action == Action::status_all_ones && f.unit == where.unit; })) {
    return kAllOnes<Word>;
  }
  const auto broken = needs_reset_.find(where.unit);
  if (broken == needs_reset_.end()) {
    return value;
  }
  if (!broken->second.seen) {
    broken->second.seen = true;
    listener_->fired(broken->second.index);
  }
  return static_cast<Word>(value | trace::VIRTIO_CONFIG_S_NEEDS_RESET);
}

bool FaultyMachine::register_write(const BarLocation& where, unsigned width, std::uint32_t value) {
  if (!where.found) {
    return true;
  }
  if (removed_.count(where.unit) != 0) {
    return false;
  }
  if (is_status(where, width) && value == 0) {
    needs_reset_.erase(where.unit);
  }
  return !is_lost_doorbell();
}

void FaultyMachine::see(const trace::Record& record) {
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
  }
  if (register_write(pci_.at_port(port), sizeof(Word), value)) {
    access();
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
  port_write(port, value, [&] { inner_.out8(port, value); });
}
void FaultyMachine::out16(std::uint16_t port, std::uint16_t value) {
  port_write(port, value, [&] { inner_.out16(port, value); });
}
void FaultyMachine::out32(std::uint16_t port, std::uint32_t value) {
  port_write(port, value, [&] { inner_.out32(port, value); });
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
  } else if (register_write(pci_.at_memory(address), sizeof(Word), value)) {
    access();
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
  memory_write(address, value, [&] { inner_.mmio_write8(address, value); });
}
void FaultyMachine::mmio_write16(std::uint64_t address, std::uint16_t value) {
  memory_write(address, value, [&] { inner_.mmio_write16(address, value); });
}
void FaultyMachine::mmio_write32(std::uint64_t address, std::uint32_t value) {
  memory_write(address, value, [&] { inner_.mmio_write32(address, value); });
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
    const Armed armed = armed_[i];
    const bool here = armed.fault.unit == unit && armed.fault.queue == queue;
    if (const char* const why = here ? why_impossible(armed.fault) : nullptr; why != nullptr) {
      armed_.erase(armed_.begin() + static_cast<std::ptrdiff_t>(i));
      listener_->impossible(armed.index, why);
      continue;
    }
    if (!here || !change_used_memory(armed.fault)) {
      ++i;
      continue;
    }
    armed_.erase(armed_.begin() + static_cast<std::ptrdiff_t>(i));
    listener_->fired(armed.index);
  }
}

const char* FaultyMachine::why_impossible(const Fault& fault) {
  if (!memory_.is_packed(fault.unit, fault.queue)) {
    return nullptr;
  }
  if (fault.action == Action::used_index) {
    return "used-index: a packed ring has no used index";
  }
  return fault.action == Action::status_byte
             ? "status-byte: on a packed ring the chain is written over by the time that it is used"
             : nullptr;
}

bool FaultyMachine::change_used_memory(const Fault& fault) {
  if (fault.action == Action::used_index) {
    std::uint16_t* const index = memory_.used_index(fault.unit, fault.queue);
    if (index != nullptr) {
      store_shared(index, static_cast<std::uint16_t>(__atomic_load_n(index, __ATOMIC_ACQUIRE) + fault.value));
    }
    return index != nullptr;
  }
  const std::optional<UsedElement> element = memory_.newest_used(fault.unit, fault.queue);
  if (!element.has_value()) {
    return false;
  }
  if (fault.action == Action::used_id) {
    element->set_id(fault.value);
    return true;
  }
  if (fault.action == Action::used_length) {
    element->set_length(fault.value);
    return true;
  }
  if (fault.action == Action::status_byte) {
    std::uint8_t* const status = memory_.status_byte(fault.unit, fault.queue, element->get_id());
    if (status != nullptr) {
      store_shared(status, static_cast<std::uint8_t>(fault.value));
    }
    return status != nullptr;
  }
  return false;
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
  return take([](const Fault& f) { return f.action == Action::spurious_interrupt; });
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
