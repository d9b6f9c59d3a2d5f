// Instructions that C++ has no words for.
#pragma once

#include <cstdint>

namespace example {

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

inline void pause() { asm volatile("pause" : : : "memory"); }

inline std::uint64_t read_time_stamp() {
  std::uint32_t low;
  std::uint32_t high;
  asm volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
  return std::uint64_t{high} << 32 | low;
}

// Ticks of the time-stamp counter in a microsecond, by 10 ms of the interval timer's channel 2. At least 1.
inline std::uint64_t measure_time_stamp() {
  constexpr std::uint16_t kChannel2 = 0x42;
  constexpr std::uint16_t kTimerMode = 0x43;
  constexpr std::uint16_t kGate = 0x61;
  constexpr std::uint16_t kTicks = 11932;  // of 1.193182 MHz
  constexpr std::uint64_t kMicroseconds = 10'000;
  port_write8(kGate, static_cast<std::uint8_t>((port_read8(kGate) & ~2u) | 1u));
  port_write8(kTimerMode, 0xb0);  // channel 2, both bytes, one shot
  port_write8(kChannel2, kTicks & 0xff);
  port_write8(kChannel2, kTicks >> 8);
  const std::uint64_t start = read_time_stamp();
  while ((port_read8(kGate) & 0x20) == 0) {
    pause();
  }
  const std::uint64_t ticks = (read_time_stamp() - start) / kMicroseconds;
  return ticks == 0 ? 1 : ticks;
}

}  // namespace example
