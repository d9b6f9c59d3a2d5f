// Instructions that C++ has no words for. All order memory as the compiler sees it: around each, the machine changes.
#pragma once

#include <cstdint>

namespace ringside::guest {

inline std::uint8_t port_read8(std::uint16_t port) {
  std::uint8_t value;
  asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  return value;
}
inline std::uint16_t port_read16(std::uint16_t port) {
  std::uint16_t value;
  asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  return value;
}
inline std::uint32_t port_read32(std::uint16_t port) {
  std::uint32_t value;
  asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
  return value;
}
inline void port_write8(std::uint16_t port, std::uint8_t value) {
  asm volatile("outb %0, %1" : : "a"(value), "Nd"(port) : "memory");
}
inline void port_write16(std::uint16_t port, std::uint16_t value) {
  asm volatile("outw %0, %1" : : "a"(value), "Nd"(port) : "memory");
}
inline void port_write32(std::uint16_t port, std::uint32_t value) {
  asm volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

// One instruction of that width each: a device may tell two narrow accesses from a wide one.
template <class T>
[[nodiscard]] inline T memory_read(std::uint64_t address) {
  return *reinterpret_cast<const volatile T*>(address);
}
template <class T>
inline void memory_write(std::uint64_t address, T value) {
  *reinterpret_cast<volatile T*>(address) = value;
}

inline std::uint64_t read_msr(std::uint32_t number) {
  std::uint32_t low;
  std::uint32_t high;
  asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number) : "memory");
  return std::uint64_t{high} << 32 | low;
}
inline void write_msr(std::uint32_t number, std::uint64_t value) {
  asm volatile("wrmsr"
               :
               : "c"(number), "a"(static_cast<std::uint32_t>(value)), "d"(static_cast<std::uint32_t>(value >> 32))
               : "memory");
}

inline std::uint64_t read_time_stamp() {
  std::uint32_t low;
  std::uint32_t high;
  asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
  return std::uint64_t{high} << 32 | low;
}

inline void pause() { asm volatile("pause" : : : "memory"); }
inline void disable_interrupts() { asm volatile("cli" : : : "memory"); }
inline void enable_interrupts() { asm volatile("sti" : : : "memory"); }
// An interrupt that is pending already ends the halt: `sti` takes effect after the instruction that follows it.
inline void enable_interrupts_and_halt() { asm volatile("sti; hlt" : : : "memory"); }

[[noreturn]] inline void halt_for_good() {
  for (;;) {
    asm volatile("cli; hlt" : : : "memory");
  }
}

}  // namespace ringside::guest
