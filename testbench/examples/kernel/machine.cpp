#include "testbench/examples/kernel/machine.h"

#include "testbench/examples/kernel/cpu.h"

namespace example {
namespace {

// Memory for the driver: what devices may reach, and what only we do. Two bump allocators; a kernel has better ones.
constexpr std::size_t kArenaBytes = 8u << 20;
struct Arena {
  alignas(65536) std::uint8_t bytes[kArenaBytes];
  std::size_t used = 0;

  void* take(std::size_t size, std::size_t alignment) {
    const std::size_t start = (used + alignment - 1) & ~(alignment - 1);
    if (start > kArenaBytes || size > kArenaBytes - start) {
      return nullptr;
    }
    used = start + size;
    return bytes + start;  // zero: it lies in .bss and is handed out once
  }
  [[nodiscard]] bool holds(const void* cpu, std::size_t size) const {
    const auto offset = reinterpret_cast<std::uintptr_t>(cpu) - reinterpret_cast<std::uintptr_t>(bytes);
    return size <= kArenaBytes && offset <= kArenaBytes - size;
  }
};
Arena g_dma;
Arena g_private;

constexpr std::uint16_t kSerialPort = 0x3f8;

}  // namespace

BarePc::BarePc() : start_(read_time_stamp()), ticks_per_microsecond_(measure_time_stamp()) {}

// Firmware has assigned all BARs here, so that the windows can stay empty; and nobody receives interrupts. Devices
// reach all DMA memory as it is.
MachineInfo BarePc::info() {
  MachineInfo info;
  info.direct_dma = {g_dma.bytes, virt_to_phys(g_dma.bytes), kArenaBytes};
  return info;
}

std::uint8_t BarePc::in8(std::uint16_t port) { return port_read8(port); }
std::uint16_t BarePc::in16(std::uint16_t port) { return port_read16(port); }
std::uint32_t BarePc::in32(std::uint16_t port) { return port_read32(port); }
void BarePc::out8(std::uint16_t port, std::uint8_t value) { port_write8(port, value); }
void BarePc::out16(std::uint16_t port, std::uint16_t value) { port_write16(port, value); }
void BarePc::out32(std::uint16_t port, std::uint32_t value) { port_write32(port, value); }

namespace {
template <class T>
volatile T& reg(std::uint64_t address) {
  return *reinterpret_cast<volatile T*>(address);
}
}  // namespace

std::uint8_t BarePc::mmio_read8(std::uint64_t address) { return reg<std::uint8_t>(address); }
std::uint16_t BarePc::mmio_read16(std::uint64_t address) { return reg<std::uint16_t>(address); }
std::uint32_t BarePc::mmio_read32(std::uint64_t address) { return reg<std::uint32_t>(address); }
void BarePc::mmio_write8(std::uint64_t address, std::uint8_t value) { reg<std::uint8_t>(address) = value; }
void BarePc::mmio_write16(std::uint64_t address, std::uint16_t value) { reg<std::uint16_t>(address) = value; }
void BarePc::mmio_write32(std::uint64_t address, std::uint32_t value) { reg<std::uint32_t>(address) = value; }

DmaBuffer BarePc::alloc_dma_buffer(std::size_t size, std::size_t alignment) {
  void* const cpu = g_dma.take(size, alignment);
  return cpu == nullptr ? DmaBuffer{} : DmaBuffer{cpu, virt_to_phys(cpu), size};
}
void BarePc::free_dma_buffer(const DmaBuffer&) {}  // a bump allocator does not take back

BusAddress BarePc::map(void* cpu, std::size_t size, DmaDirection) {
  return g_dma.holds(cpu, size) ? virt_to_phys(cpu) : ringside::hal::kInvalidBusAddress;
}
void BarePc::unmap(BusAddress, std::size_t, DmaDirection) {}  // a PC's devices are coherent, and there is no IOMMU

BusAddress BarePc::virt_to_phys(const void* cpu) {
  return g_dma.holds(cpu, 1) ? BusAddress{reinterpret_cast<std::uintptr_t>(cpu)} : ringside::hal::kInvalidBusAddress;
}

void* BarePc::alloc_private(std::size_t size, std::size_t alignment) { return g_private.take(size, alignment); }

MsiMessage BarePc::msi_message(unsigned) { return {}; }
std::uint64_t BarePc::interrupts(unsigned) { return 0; }
bool BarePc::wait(unsigned, std::uint64_t, std::uint64_t deadline) {
  while (now() < deadline) {
    relax(deadline);
  }
  return false;
}
void BarePc::acknowledge(unsigned) {}

std::uint64_t BarePc::now() { return (read_time_stamp() - start_) * 1000 / ticks_per_microsecond_; }
void BarePc::relax(std::uint64_t) { pause(); }

void BarePc::log(const char* text, std::size_t length) {
  for (std::size_t i = 0; i < length; ++i) {
    port_write8(kSerialPort, static_cast<std::uint8_t>(text[i]));
  }
  port_write8(kSerialPort, '\n');
}

}  // namespace example
