#include "testbench/guest/local_apic.h"

#include "testbench/guest/cpu.h"

namespace ringside::guest {
namespace {

constexpr std::uint32_t IA32_APIC_BASE = 0x1b;
constexpr std::uint64_t kApicEnabled = 1u << 11;
constexpr std::uint64_t kRegisters = 0xfee0'0000;

// Offsets of registers.
constexpr std::uint64_t kTaskPriority = 0x80;
constexpr std::uint64_t kEndOfInterrupt = 0xb0;
constexpr std::uint64_t kSpurious = 0xf0;
constexpr std::uint64_t kLocalTimer = 0x320;
constexpr std::uint64_t kLint0 = 0x350;
constexpr std::uint64_t kLint1 = 0x360;
constexpr std::uint64_t kInitialCount = 0x380;
constexpr std::uint64_t kCurrentCount = 0x390;
constexpr std::uint64_t kDivide = 0x3e0;

constexpr std::uint32_t kSoftwareEnabled = 1u << 8;
constexpr std::uint32_t kMasked = 1u << 16;
constexpr std::uint32_t kExternal = 7u << 8;  // delivery mode ExtINT: the 8259 tells the vector
constexpr std::uint32_t kDivideBy16 = 3;
constexpr std::uint32_t kOnlyTheTimer = kTimerVector - 0x10;  // vectors of this class and below wait

void write(std::uint64_t offset, std::uint32_t value) { memory_write<std::uint32_t>(kRegisters + offset, value); }

}  // namespace

void start_local_apic(bool deaf) {
  write_msr(IA32_APIC_BASE, kRegisters | (read_msr(IA32_APIC_BASE) & 0xfff) | kApicEnabled);
  write(kSpurious, kSoftwareEnabled | kSpuriousVector);
  write(kLint0, kExternal | (deaf ? kMasked : 0));
  write(kLint1, kMasked);
  write(kTaskPriority, deaf ? kOnlyTheTimer : 0);
  write(kDivide, kDivideBy16);
  write(kLocalTimer, kTimerVector);  // one shot
}

void end_of_interrupt() { write(kEndOfInterrupt, 0); }

void start_timer(std::uint32_t ticks) { write(kInitialCount, ticks); }

std::uint32_t timer_ticks_left() { return memory_read<std::uint32_t>(kRegisters + kCurrentCount); }

}  // namespace ringside::guest
