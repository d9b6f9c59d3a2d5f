#include "testbench/guest/machine.h"

#include <algorithm>

#include "testbench/guest/clock.h"
#include "testbench/guest/cpu.h"
#include "testbench/guest/interrupts.h"
#include "testbench/guest/mailbox.h"
#include "testbench/targets/machine_windows.h"

namespace ringside::guest {
namespace {

// A completion is mostly some microseconds away. When none comes, others may have the host's processor.
constexpr unsigned kSpins = 1000;
constexpr std::uint64_t kNap = 50 * hal::kMicrosecond;

// Mapped one to one: bus address, physical address and pointer are one number.
constexpr std::uint64_t kWhereRamBegins = 0;
static_assert(kDmaBase == targets::kArenaBase);

}  // namespace

GuestMachine::GuestMachine(bool is_q35) : is_q35_(is_q35), arena_(reinterpret_cast<void*>(kWhereRamBegins), kDmaEnd) {}

hal::MachineInfo GuestMachine::info() {
  hal::MachineInfo info = targets::machine_info(is_q35_, kMsiVectors);
  info.direct_dma = {reinterpret_cast<const void*>(kDmaBase), hal::BusAddress{kDmaBase}, kDmaEnd - kDmaBase};
  return info;
}

std::uint8_t GuestMachine::in8(std::uint16_t port) { return port_read8(port); }
std::uint16_t GuestMachine::in16(std::uint16_t port) { return port_read16(port); }
std::uint32_t GuestMachine::in32(std::uint16_t port) { return port_read32(port); }

void GuestMachine::out8(std::uint16_t port, std::uint8_t value) {
  idle_looks_ = 0;
  port_write8(port, value);
}
void GuestMachine::out16(std::uint16_t port, std::uint16_t value) {
  idle_looks_ = 0;
  port_write16(port, value);
}
void GuestMachine::out32(std::uint16_t port, std::uint32_t value) {
  idle_looks_ = 0;
  port_write32(port, value);
}

std::uint8_t GuestMachine::mmio_read8(std::uint64_t address) { return memory_read<std::uint8_t>(address); }
std::uint16_t GuestMachine::mmio_read16(std::uint64_t address) { return memory_read<std::uint16_t>(address); }
std::uint32_t GuestMachine::mmio_read32(std::uint64_t address) { return memory_read<std::uint32_t>(address); }

void GuestMachine::mmio_write8(std::uint64_t address, std::uint8_t value) {
  idle_looks_ = 0;
  memory_write(address, value);
}
void GuestMachine::mmio_write16(std::uint64_t address, std::uint16_t value) {
  idle_looks_ = 0;
  memory_write(address, value);
}
void GuestMachine::mmio_write32(std::uint64_t address, std::uint32_t value) {
  idle_looks_ = 0;
  memory_write(address, value);
}

hal::DmaBuffer GuestMachine::alloc_dma_buffer(std::size_t size, std::size_t alignment) {
  return arena_.alloc(size, alignment);
}
void GuestMachine::free_dma_buffer(const hal::DmaBuffer& buffer) { arena_.free(buffer); }

// The PC's devices reach all of RAM, coherently: there is nothing to set up or to take down.
hal::BusAddress GuestMachine::map(void* cpu, std::size_t size, hal::DmaDirection) { return arena_.bus_of(cpu, size); }
void GuestMachine::unmap(hal::BusAddress, std::size_t, hal::DmaDirection) {}

hal::BusAddress GuestMachine::virt_to_phys(const void* cpu) { return arena_.bus_of(cpu); }

void* GuestMachine::alloc_private(std::size_t size, std::size_t alignment) {
  return arena_.alloc_private(size, alignment);
}

hal::MsiMessage GuestMachine::msi_message(unsigned vector) { return message_of(vector); }

std::uint64_t GuestMachine::interrupts(unsigned vector) { return interrupt_count(vector); }

bool GuestMachine::wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline) {
  idle_looks_ = 0;
  while (interrupt_count(vector) == seen) {
    if (guest::now() >= deadline) {
      return false;
    }
    disable_interrupts();
    if (interrupt_count(vector) == seen) {
      sleep_until(deadline);
    }
    enable_interrupts();
  }
  return true;
}

void GuestMachine::acknowledge(unsigned vector) { acknowledge_interrupt(vector); }

std::uint64_t GuestMachine::now() { return guest::now(); }

void GuestMachine::relax(std::uint64_t deadline) {
  if (idle_looks_ < kSpins) {
    ++idle_looks_;
    pause();
    return;
  }
  disable_interrupts();
  sleep_until(std::min(deadline, guest::now() + kNap));
}

// Nobody listens here: what the driver logs is seen by the tap.
void GuestMachine::log(const char*, std::size_t) {}

}  // namespace ringside::guest
