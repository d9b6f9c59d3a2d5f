#include "testbench/trace/driver_tap.h"

#include <algorithm>
#include <limits>
#include <map>
#include <vector>

#include "testbench/trace/dma_buffers.h"
#include "testbench/trace/legacy_registers.h"
#include "testbench/trace/payload_hash.h"
#include "testbench/trace/pci_shadow.h"
#include "testbench/trace/queue_watch.h"
#include "testbench/trace/recorder.h"
#include "testbench/trace/ring_memory.h"
#include "testbench/trace/virtio_layout.h"
#include "testbench/trace/virtio_registers.h"

namespace ringside::trace {
namespace {

bool is_config_address(std::uint16_t port, unsigned width) { return port == PCI_CONFIG_ADDRESS && width == 4; }

bool is_config_data(std::uint16_t port, unsigned width) {
  return port >= PCI_CONFIG_DATA && port + width <= PCI_CONFIG_DATA + 4u;
}

// The register interfaces of one device.
struct UnitRegisters {
  UnitRegisters(std::uint8_t unit, Recorder& recorder, const DmaBuffers& buffers, const MsiVectors& vectors,
                QueueLife& life)
      : modern(unit, recorder, buffers, vectors, life), legacy(unit, recorder, buffers, life) {}
  VirtioRegisters modern;
  LegacyRegisters legacy;
};

constexpr std::uint16_t kThroughWindow = 1;  // in the flags of config records

std::uint32_t low_bytes(std::uint32_t value, unsigned width) {
  return width == 4 ? value : value & ((1u << 8 * width) - 1);
}

}  // namespace

struct DriverTap::State final : QueueLife {
  State(hal::Machine& machine, Sink& sink, TapHooks& tap_hooks, const TapOptions& tap_options)
      : inner(machine),
        hooks(tap_hooks),
        options(tap_options),
        recorder(machine, sink),
        buffers(recorder, !tap_options.from_outside),
        hash(!tap_options.from_outside) {}

  // --- QueueLife
  void queue_started(std::uint8_t unit, std::uint16_t queue, const QueueSetup& setup) override;
  void queue_stopped(std::uint8_t unit, std::uint16_t queue) override;
  void device_reset(std::uint8_t unit) override;
  template <class Which>
  void stop_queues(Which which);

  // --- Cold accesses
  void port_read(std::uint16_t port, unsigned width, std::uint32_t value);
  void port_write(std::uint16_t port, unsigned width, std::uint32_t value);
  void memory_read(std::uint64_t address, unsigned width, std::uint32_t value);
  void memory_write(std::uint64_t address, unsigned width, std::uint32_t value);
  [[nodiscard]] ConfigAddress selected(std::uint16_t port) const;
  void config_read(const ConfigAddress& at, unsigned width, std::uint32_t value);
  void config_write(const ConfigAddress& at, unsigned width, std::uint32_t value);
  void record_config(Kind kind, const ConfigAddress& at, unsigned width, std::uint32_t value, std::uint16_t flags);
  void structure_read(const BarLocation& where, unsigned width, std::uint32_t value);
  void structure_write(const BarLocation& where, unsigned width, std::uint32_t value);
  void plain(Kind kind, const BarLocation& where, std::uint64_t address, unsigned width, std::uint32_t value);
  [[nodiscard]] UnitRegisters& registers(std::uint8_t unit);

  void see_interrupts(unsigned vector, std::uint64_t count);
  void record_vector(Kind kind, unsigned vector, std::uint64_t value);
  void record_map(Kind kind, std::uint64_t bus, std::size_t size, hal::DmaDirection direction);

  // --- Hot accesses
  void look_from_outside();
  void count_load(const void* address);
  void record_access(const void* address, unsigned size, std::uint64_t value, bool store);

  hal::Machine& inner;
  TapHooks& hooks;
  TapOptions options;
  Recorder recorder;
  DmaBuffers buffers;
  PayloadHash hash;
  MsiVectors vectors;
  PciShadow pci;
  std::uint32_t config_address = 0;
  std::map<std::uint8_t, UnitRegisters> units;
  std::map<std::pair<std::uint8_t, std::uint16_t>, std::unique_ptr<QueueWatch>> queues;  // the live ones
  RingMemory ring_memory;
  std::map<unsigned, std::uint64_t> interrupts_seen;
  std::uint64_t loads_in_a_row = 0;
};

// --- Queues

void DriverTap::State::queue_started(std::uint8_t unit, std::uint16_t queue, const QueueSetup& setup) {
  queue_stopped(unit, queue);
  // Null where the driver has put the rings elsewhere than into DMA memory, which the record says.
  auto watch = make_queue_watch(unit, queue, setup.size, setup.accepted, setup.rings, {buffers, hash, recorder});
  if (watch != nullptr) {
    ring_memory.add(*watch);
    queues[{unit, queue}] = std::move(watch);
  }
}

void DriverTap::State::queue_stopped(std::uint8_t unit, std::uint16_t queue) {
  if (const auto watch = queues.find({unit, queue}); watch != queues.end()) {
    hooks.before_reset(unit);
    ring_memory.remove(*watch->second);
    queues.erase(watch);
  }
}

void DriverTap::State::device_reset(std::uint8_t unit) {
  if (std::ranges::any_of(queues, [&](const auto& entry) { return entry.first.first == unit; })) {
    hooks.before_reset(unit);
  }
  stop_queues([&](const QueueWatch& watch) { return watch.unit() == unit; });
}

template <class Which>
void DriverTap::State::stop_queues(Which which) {
  std::erase_if(queues, [&](const auto& entry) {
    const bool stops = which(*entry.second);
    if (stops) {
      ring_memory.remove(*entry.second);
    }
    return stops;
  });
}

// --- Cold accesses

UnitRegisters& DriverTap::State::registers(std::uint8_t unit) {
  return units.try_emplace(unit, unit, recorder, buffers, vectors, *this).first->second;
}

ConfigAddress DriverTap::State::selected(std::uint16_t port) const {
  return {static_cast<std::uint16_t>(config_address >> 8), (config_address & 0xfc) + (port & 3u)};
}

void DriverTap::State::record_config(Kind kind, const ConfigAddress& at, unsigned width, std::uint32_t value,
                                     std::uint16_t flags) {
  Record record = driver_record(kind);
  record.region = at.bdf;
  record.offset = at.offset;
  record.width = static_cast<std::uint8_t>(width);
  record.value = value;
  record.flags = flags;
  record.unit = static_cast<std::uint8_t>(std::max(0, pci.unit_of(at.bdf)));
  recorder.put(record);
}

void DriverTap::State::config_read(const ConfigAddress& at, unsigned width, std::uint32_t value) {
  if (const auto window = pci.through_window(at); window.has_value() && window->where.structure != Structure{}) {
    record_config(Kind::config_read, at, width, 0, kThroughWindow);
    structure_read(window->where, window->width, low_bytes(value, window->width));
    return;
  }
  pci.config_read(at.bdf, at.offset, width, value);
  record_config(Kind::config_read, at, width, value, 0);
}

void DriverTap::State::config_write(const ConfigAddress& at, unsigned width, std::uint32_t value) {
  if (const auto window = pci.through_window(at); window.has_value() && window->where.structure != Structure{}) {
    record_config(Kind::config_write, at, width, 0, kThroughWindow);
    structure_write(window->where, window->width, low_bytes(value, window->width));
    return;
  }
  pci.config_written(at.bdf, at.offset, width, value);
  record_config(Kind::config_write, at, width, value, pci.aims_window(at) ? kThroughWindow : std::uint16_t{0});
  if (pci.resets_function(at, width, value)) {
    registers(static_cast<std::uint8_t>(pci.unit_of(at.bdf))).modern.function_reset();
  }
}

void DriverTap::State::structure_read(const BarLocation& where, unsigned width, std::uint32_t value) {
  UnitRegisters& unit = registers(where.unit);
  if (where.structure == Structure::legacy) {
    unit.legacy.read(where.offset, width, value, where.msix_enabled);
  } else {
    unit.modern.read(where.structure, where.offset, width, value);
  }
}

void DriverTap::State::structure_write(const BarLocation& where, unsigned width, std::uint32_t value) {
  look_from_outside();  // what a doorbell announces was there before it
  UnitRegisters& unit = registers(where.unit);
  if (where.structure == Structure::legacy) {
    unit.legacy.write(where.offset, width, value, where.msix_enabled);
  } else {
    unit.modern.write(where.structure, where.offset, width, value, where.notify_multiplier);
  }
}

void DriverTap::State::plain(Kind kind, const BarLocation& where, std::uint64_t address, unsigned width,
                             std::uint32_t value) {
  Record record = driver_record(kind, where.unit);
  record.region = where.found ? kRegionBar + (std::uint32_t{where.unit} << 4 | where.bar) : kRegionUnknown;
  record.offset = where.found ? where.offset : address;
  record.width = static_cast<std::uint8_t>(width);
  record.value = value;
  recorder.put(record);
}

void DriverTap::State::port_read(std::uint16_t port, unsigned width, std::uint32_t value) {
  if (is_config_data(port, width) && (config_address & PCI_CONFIG_ENABLE) != 0) {
    config_read(selected(port), width, value);
    return;
  }
  const BarLocation where = pci.at_port(port);
  if (where.structure != Structure{}) {
    structure_read(where, width, value);
  } else {
    plain(Kind::port_read, where, port, width, value);
  }
}

void DriverTap::State::port_write(std::uint16_t port, unsigned width, std::uint32_t value) {
  if (is_config_address(port, width)) {
    config_address = value;  // what it selects stands in the access that follows
    return;
  }
  if (is_config_data(port, width) && (config_address & PCI_CONFIG_ENABLE) != 0) {
    config_write(selected(port), width, value);
    return;
  }
  const BarLocation where = pci.at_port(port);
  if (where.structure != Structure{}) {
    structure_write(where, width, value);
  } else {
    plain(Kind::port_write, where, port, width, value);
  }
}

void DriverTap::State::memory_read(std::uint64_t address, unsigned width, std::uint32_t value) {
  if (const auto at = pci.at_ecam(address); at.has_value()) {
    config_read(*at, width, value);
    return;
  }
  const BarLocation where = pci.at_memory(address);
  if (where.structure != Structure{}) {
    structure_read(where, width, value);
  } else {
    plain(Kind::mmio_read, where, address, width, value);
  }
}

void DriverTap::State::memory_write(std::uint64_t address, unsigned width, std::uint32_t value) {
  if (const auto at = pci.at_ecam(address); at.has_value()) {
    config_write(*at, width, value);
    return;
  }
  const BarLocation where = pci.at_memory(address);
  if (where.structure != Structure{}) {
    structure_write(where, width, value);
  } else {
    plain(Kind::mmio_write, where, address, width, value);
  }
}

// --- Interrupts

void DriverTap::State::record_vector(Kind kind, unsigned vector, std::uint64_t value) {
  Record record = driver_record(kind);
  record.offset = vector;
  record.value = value;
  recorder.put(record);
}

void DriverTap::State::see_interrupts(unsigned vector, std::uint64_t count) {
  std::uint64_t& seen = interrupts_seen[vector];
  if (seen != count) {
    seen = count;
    record_vector(Kind::interrupt, vector, count);
  }
}

// --- Hot accesses

// What was used first: the driver may have used its descriptors again.
void DriverTap::State::look_from_outside() {
  if (!options.from_outside) {
    return;
  }
  const Recorder::Moment moment(recorder);
  for (const auto& [which, watch] : queues) {
    watch->look_for_used();
    watch->look_for_published();
    watch->look_for_suppression();
  }
}

void DriverTap::State::count_load(const void* address) {
  if (++loads_in_a_row > options.spin_limit) {
    loads_in_a_row = 0;
    hooks.on_spin(address);
  }
}

void DriverTap::State::record_access(const void* address, unsigned size, std::uint64_t value, bool store) {
  Record record = driver_record(Kind::access);
  if (const GuardedBuffer* const buffer = buffers.at_cpu(address, size); buffer != nullptr) {
    record.region = kRegionDma + buffer->number;
    record.offset = static_cast<std::uint64_t>(static_cast<const std::uint8_t*>(address) - buffer->cpu);
  }
  record.width = static_cast<std::uint8_t>(size);
  record.value = value;
  record.flags = store ? 1 : 0;
  recorder.put(record);
}

void DriverTap::State::record_map(Kind kind, std::uint64_t bus, std::size_t size, hal::DmaDirection direction) {
  Record record = driver_record(kind);
  const RegionOffset where = buffers.normalised(bus);
  record.region = where.region;
  record.offset = where.offset;
  record.length = size;
  record.flags = static_cast<std::uint16_t>(direction);
  recorder.put(record);
}

// --- The bench's side

DriverTap::DriverTap(hal::Machine& inner, Sink& sink, TapHooks& hooks, const TapOptions& options)
    : state_(std::make_unique<State>(inner, sink, hooks, options)) {}

DriverTap::~DriverTap() = default;

void DriverTap::emit(Record record) { state_->recorder.put(record); }

void DriverTap::emit_text(const char* text, std::size_t length) {
  state_->recorder.put_text(Tap::bench, std::string_view(text, length));
}

std::uint64_t DriverTap::packed(std::uint64_t bus) const { return state_->buffers.packed(bus); }

std::size_t DriverTap::check_guards() {
  state_->buffers.check_all();
  return state_->buffers.hits();
}

// --- hal::Machine: ports and registers. Reads are recorded after the machine has answered, writes before it acts.

// Every transfer is mapped, where its maps are to be seen.
hal::MachineInfo DriverTap::info() {
  hal::MachineInfo info = state_->inner.info();
  if (!state_->options.from_outside) {
    info.direct_dma = {};
  }
  return info;
}

std::uint8_t DriverTap::in8(std::uint16_t port) {
  const std::uint8_t value = state_->inner.in8(port);
  state_->look_from_outside();
  state_->port_read(port, 1, value);
  return value;
}

std::uint16_t DriverTap::in16(std::uint16_t port) {
  const std::uint16_t value = state_->inner.in16(port);
  state_->look_from_outside();
  state_->port_read(port, 2, value);
  return value;
}

std::uint32_t DriverTap::in32(std::uint16_t port) {
  const std::uint32_t value = state_->inner.in32(port);
  state_->look_from_outside();
  state_->port_read(port, 4, value);
  return value;
}

void DriverTap::out8(std::uint16_t port, std::uint8_t value) {
  state_->port_write(port, 1, value);
  state_->inner.out8(port, value);
  state_->look_from_outside();
}

void DriverTap::out16(std::uint16_t port, std::uint16_t value) {
  state_->port_write(port, 2, value);
  state_->inner.out16(port, value);
  state_->look_from_outside();
}

void DriverTap::out32(std::uint16_t port, std::uint32_t value) {
  state_->port_write(port, 4, value);
  state_->inner.out32(port, value);
  state_->look_from_outside();
}

std::uint8_t DriverTap::mmio_read8(std::uint64_t address) {
  const std::uint8_t value = state_->inner.mmio_read8(address);
  state_->look_from_outside();
  state_->memory_read(address, 1, value);
  return value;
}

std::uint16_t DriverTap::mmio_read16(std::uint64_t address) {
  const std::uint16_t value = state_->inner.mmio_read16(address);
  state_->look_from_outside();
  state_->memory_read(address, 2, value);
  return value;
}

std::uint32_t DriverTap::mmio_read32(std::uint64_t address) {
  const std::uint32_t value = state_->inner.mmio_read32(address);
  state_->look_from_outside();
  state_->memory_read(address, 4, value);
  return value;
}

void DriverTap::mmio_write8(std::uint64_t address, std::uint8_t value) {
  state_->memory_write(address, 1, value);
  state_->inner.mmio_write8(address, value);
  state_->look_from_outside();
}

void DriverTap::mmio_write16(std::uint64_t address, std::uint16_t value) {
  state_->memory_write(address, 2, value);
  state_->inner.mmio_write16(address, value);
  state_->look_from_outside();
}

void DriverTap::mmio_write32(std::uint64_t address, std::uint32_t value) {
  state_->memory_write(address, 4, value);
  state_->inner.mmio_write32(address, value);
  state_->look_from_outside();
}

// --- hal::Machine: memory

hal::DmaBuffer DriverTap::alloc_dma_buffer(std::size_t size, std::size_t alignment) {
  const std::size_t guard = DmaBuffers::guard_for(alignment);
  if (size > std::numeric_limits<std::size_t>::max() - 2 * guard) {
    return {};
  }
  const hal::DmaBuffer inner = state_->inner.alloc_dma_buffer(size + 2 * guard, alignment);
  if (inner.cpu == nullptr) {
    return {};
  }
  const GuardedBuffer& buffer = state_->buffers.add(inner, size, guard);
  Record record = driver_record(Kind::dma_alloc);
  record.region = kRegionDma + buffer.number;
  record.length = size;
  record.aux = alignment;
  state_->recorder.put(record);
  return {buffer.cpu, hal::BusAddress{buffer.bus}, size};
}

void DriverTap::free_dma_buffer(const hal::DmaBuffer& buffer) {
  if (const GuardedBuffer* const known = state_->buffers.at_bus(hal::raw(buffer.bus), 0); known != nullptr) {
    // A driver that frees a live queue's rings is wrong; the tap must not read them any more.
    state_->stop_queues([&](const QueueWatch& watch) { return watch.lies_in(*known); });
  }
  const std::optional<GuardedBuffer> known = state_->buffers.remove(buffer.bus);
  if (!known.has_value()) {
    state_->inner.free_dma_buffer(buffer);  // not one of ours: the machine says what it thinks of that
    return;
  }
  Record record = driver_record(Kind::dma_free);
  record.region = kRegionDma + known->number;
  state_->recorder.put(record);
  state_->inner.free_dma_buffer(known->inner);
}

hal::BusAddress DriverTap::map(void* cpu, std::size_t size, hal::DmaDirection direction) {
  // Guard bytes are DMA memory to the machine, but not to the driver.
  const GuardedBuffer* const buffer = state_->buffers.at_cpu(cpu, size);
  if (buffer == nullptr) {
    return hal::kInvalidBusAddress;
  }
  const hal::BusAddress bus = state_->inner.map(cpu, size, direction);
  if (bus != hal::kInvalidBusAddress && hal::raw(bus) != buffer->bus_of(cpu)) {
    state_->buffers.map(hal::raw(bus), cpu, size);
  }
  if (!state_->options.from_outside) {
    state_->record_map(Kind::dma_map, hal::raw(bus), size, direction);
  }
  return bus;
}

void DriverTap::unmap(hal::BusAddress bus, std::size_t size, hal::DmaDirection direction) {
  if (!state_->options.from_outside) {
    state_->record_map(Kind::dma_unmap, hal::raw(bus), size, direction);
  }
  state_->buffers.unmap(hal::raw(bus));
  state_->inner.unmap(bus, size, direction);
}

hal::BusAddress DriverTap::virt_to_phys(const void* cpu) {
  return state_->buffers.at_cpu(cpu, 1) == nullptr ? hal::kInvalidBusAddress : state_->inner.virt_to_phys(cpu);
}

void* DriverTap::alloc_private(std::size_t size, std::size_t alignment) {
  return state_->inner.alloc_private(size, alignment);
}

// --- hal::Machine: interrupts and time

hal::MsiMessage DriverTap::msi_message(unsigned vector) {
  const hal::MsiMessage message = state_->inner.msi_message(vector);
  state_->vectors.add(message.address, message.data, vector);
  return message;
}

std::uint64_t DriverTap::interrupts(unsigned vector) {
  const std::uint64_t count = state_->inner.interrupts(vector);
  state_->look_from_outside();
  state_->see_interrupts(vector, count);
  return count;
}

bool DriverTap::wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline) {
  state_->loads_in_a_row = 0;
  state_->record_vector(Kind::wait, vector, seen);
  const bool moved = state_->inner.wait(vector, seen, deadline);
  state_->look_from_outside();
  if (moved) {
    state_->see_interrupts(vector, state_->inner.interrupts(vector));
  } else {
    state_->record_vector(Kind::wait_timeout, vector, seen);
  }
  return moved;
}

void DriverTap::acknowledge(unsigned vector) {
  state_->record_vector(Kind::acknowledge, vector, 0);
  state_->inner.acknowledge(vector);
}

std::uint64_t DriverTap::now() {
  const std::uint64_t now = state_->inner.now();
  state_->look_from_outside();
  return now;
}

void DriverTap::relax(std::uint64_t deadline) {
  state_->loads_in_a_row = 0;
  if (state_->recorder.last() != Kind::relax) {
    state_->recorder.put(driver_record(Kind::relax));
  }
  state_->inner.relax(deadline);
  state_->look_from_outside();
}

void DriverTap::log(const char* text, std::size_t length) {
  state_->recorder.put(driver_record(Kind::log_line));
  state_->recorder.put_text(Tap::driver, std::string_view(text, length));
  state_->inner.log(text, length);
}

// --- hal::Observer

std::uint64_t DriverTap::load(const void* address, unsigned size) {
  const auto* const at = static_cast<const std::uint8_t*>(address);
  QueueWatch* const watch = state_->ring_memory.at(address);
  const bool look = watch != nullptr && watch->is_look(at, size);
  if (look) {
    state_->hooks.before_look(watch->unit(), watch->queue());
  }
  const std::uint64_t value = hal::load_shared(address, size);
  if (look) {
    state_->hooks.after_look();
  }
  state_->count_load(address);
  if (state_->options.accesses) {
    state_->record_access(address, size, value, false);
  }
  if (look) {
    watch->looked(at, size, value);
  }
  return value;
}

void DriverTap::store(void* address, unsigned size, std::uint64_t value) {
  const auto* const at = static_cast<const std::uint8_t*>(address);
  QueueWatch* const watch = state_->ring_memory.at(address);
  if (watch != nullptr) {
    watch->before_store(at, size, value);
  }
  hal::store_shared(address, size, value);
  state_->loads_in_a_row = 0;
  if (state_->options.accesses) {
    state_->record_access(address, size, value, true);
  }
  if (watch != nullptr) {
    watch->stored(at, size, value);
  }
}

void DriverTap::fence(hal::Fence fence) {
  if (state_->options.accesses) {
    Record record = driver_record(Kind::fence);
    record.value = static_cast<std::uint64_t>(fence);
    state_->recorder.put(record);
  }
  hal::hardware_fence(fence);
}

}  // namespace ringside::trace
