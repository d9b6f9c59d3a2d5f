#include "testbench/cli/bench/floor_machine.h"

#include <algorithm>

namespace ringside::cli {
namespace {

constexpr std::uint16_t kConfigAddress = 0xcf8;
constexpr std::uint16_t kConfigData = 0xcfc;
constexpr std::uint32_t kDevice = 0x8000'0000u | 4u << 11;  // where the model has its disk: 00:04.0
constexpr hal::Window kIoWindow{0xc000, 0x1000};
constexpr hal::Window kMemoryWindow{0xfe00'0000, 0x10'0000};
constexpr std::uint64_t kMsiAddress = 0xfee0'0000;
constexpr unsigned kVectors = 16;

}  // namespace

FloorMachine::FloorMachine(std::uint64_t disk_bytes)
    : ram_(targets::kRamBytes), arena_(ram_.data()), device_(ram_.data(), ram_.size(), disk_bytes) {}

hal::MachineInfo FloorMachine::info() { return {kIoWindow, kMemoryWindow, kVectors}; }

std::uint32_t FloorMachine::port_in(std::uint16_t port, unsigned width) const {
  const bool selected = (config_address_ & ~0xffu) == kDevice;
  if (!selected || port < kConfigData || port > kConfigData + 3) {
    return ~std::uint32_t{0};
  }
  return device_.read_config(static_cast<std::uint8_t>((config_address_ & 0xfcu) + (port & 3u)), width);
}

void FloorMachine::port_out(std::uint16_t port, unsigned width, std::uint32_t value) {
  if (port == kConfigAddress && width == 4) {
    config_address_ = value;
  } else if ((config_address_ & ~0xffu) == kDevice && port >= kConfigData && port <= kConfigData + 3) {
    device_.write_config(static_cast<std::uint8_t>((config_address_ & 0xfcu) + (port & 3u)), width, value);
  }
}

std::uint8_t FloorMachine::in8(std::uint16_t port) { return static_cast<std::uint8_t>(port_in(port, 1)); }
std::uint16_t FloorMachine::in16(std::uint16_t port) { return static_cast<std::uint16_t>(port_in(port, 2)); }
std::uint32_t FloorMachine::in32(std::uint16_t port) { return port_in(port, 4); }
void FloorMachine::out8(std::uint16_t port, std::uint8_t value) { port_out(port, 1, value); }
void FloorMachine::out16(std::uint16_t port, std::uint16_t value) { port_out(port, 2, value); }
void FloorMachine::out32(std::uint16_t port, std::uint32_t value) { port_out(port, 4, value); }

std::uint8_t FloorMachine::mmio_read8(std::uint64_t address) {
  return static_cast<std::uint8_t>(device_.read(address, 1));
}
std::uint16_t FloorMachine::mmio_read16(std::uint64_t address) {
  return static_cast<std::uint16_t>(device_.read(address, 2));
}
std::uint32_t FloorMachine::mmio_read32(std::uint64_t address) { return device_.read(address, 4); }
void FloorMachine::mmio_write8(std::uint64_t address, std::uint8_t value) { device_.write(address, 1, value); }
void FloorMachine::mmio_write16(std::uint64_t address, std::uint16_t value) { device_.write(address, 2, value); }
void FloorMachine::mmio_write32(std::uint64_t address, std::uint32_t value) { device_.write(address, 4, value); }

hal::DmaBuffer FloorMachine::alloc_dma_buffer(std::size_t size, std::size_t alignment) {
  return arena_.alloc(size, alignment);
}
void FloorMachine::free_dma_buffer(const hal::DmaBuffer& buffer) { arena_.free(buffer); }
hal::BusAddress FloorMachine::map(void* cpu, std::size_t size, hal::DmaDirection) { return arena_.bus_of(cpu, size); }
void FloorMachine::unmap(hal::BusAddress, std::size_t, hal::DmaDirection) {}
hal::BusAddress FloorMachine::virt_to_phys(const void* cpu) { return arena_.bus_of(cpu); }
void* FloorMachine::alloc_private(std::size_t size, std::size_t alignment) {
  return arena_.alloc_private(size, alignment);
}

hal::MsiMessage FloorMachine::msi_message(unsigned vector) { return {kMsiAddress, vector}; }

std::uint64_t FloorMachine::interrupts(unsigned vector) {
  return vector == device_.interrupt_data() ? device_.interrupts() : 0;
}

bool FloorMachine::wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline) {
  if (interrupts(vector) != seen) {
    return true;
  }
  now_ = std::max(now_, deadline);  // all is done in the doorbell: nothing will happen before
  return false;
}

void FloorMachine::acknowledge(unsigned) {}
std::uint64_t FloorMachine::now() { return now_; }
void FloorMachine::relax(std::uint64_t deadline) { now_ = std::max(now_, deadline); }
void FloorMachine::log(const char*, std::size_t) {}

}  // namespace ringside::cli
