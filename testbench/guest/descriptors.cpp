#include "testbench/guest/descriptors.h"

#include <cstddef>
#include <cstdint>

#include "testbench/guest/stacks.h"

namespace ringside::guest {
namespace {

extern "C" const std::uint8_t interrupt_entries[];
constexpr std::uint64_t kEntrySize = 16;

constexpr unsigned kVectors = 256;
constexpr unsigned kExceptions = 32;

// Intel SDM, volume 3, 6.14.1 and 7.7.
struct Gate {
  std::uint16_t offset_low;
  std::uint16_t selector;
  std::uint8_t stack;
  std::uint8_t type;
  std::uint16_t offset_middle;
  std::uint32_t offset_high;
  std::uint32_t reserved;
};
static_assert(sizeof(Gate) == 16);
constexpr std::uint8_t kInterruptGate = 0x8e;  // present, handlers run with interrupts off

struct [[gnu::packed]] TaskState {
  std::uint32_t reserved0;
  std::uint64_t stacks[3];  // for changes of privilege, of which there are none
  std::uint64_t reserved1;
  std::uint64_t interrupt_stacks[7];
  std::uint64_t reserved2;
  std::uint16_t reserved3;
  std::uint16_t ports;
};
static_assert(sizeof(TaskState) == 104);

// Numbers of interrupt_stacks, from 1.
constexpr std::uint8_t kFaultStack = 1;
constexpr std::uint8_t kInterruptStack = 2;

constexpr std::uint16_t kCode = 8;
constexpr std::uint16_t kTask = 24;

struct [[gnu::packed]] TableRegister {
  std::uint16_t limit;
  const void* base;
};

Gate g_gates[kVectors];
TaskState g_task;
std::uint64_t g_segments[] = {0, 0x0020'9a00'0000'0000 /* code, 64-bit */, 0x0000'9200'0000'0000 /* data */, 0, 0};

template <class T>
std::uint64_t address_of(const T* object) {
  return reinterpret_cast<std::uint64_t>(object);
}

Gate gate_of(unsigned vector) {
  const std::uint64_t entry = address_of(interrupt_entries) + vector * kEntrySize;
  return {static_cast<std::uint16_t>(entry),
          kCode,
          vector < kExceptions ? kFaultStack : kInterruptStack,
          kInterruptGate,
          static_cast<std::uint16_t>(entry >> 16),
          static_cast<std::uint32_t>(entry >> 32),
          0};
}

// A descriptor of 16 bytes: an available 64-bit task state segment (Intel SDM, volume 3, 7.2.3).
void describe_task() {
  constexpr std::uint64_t kPresentTask = 0x89;
  const std::uint64_t base = address_of(&g_task);
  g_segments[3] = (sizeof(TaskState) - 1) | (base & 0xff'ffff) << 16 | kPresentTask << 40 | (base >> 24 & 0xff) << 56;
  g_segments[4] = base >> 32;
}

}  // namespace

void install_descriptors() {
  g_task.interrupt_stacks[kFaultStack - 1] = address_of(fault_stack_top);
  g_task.interrupt_stacks[kInterruptStack - 1] = address_of(interrupt_stack_top);
  g_task.ports = sizeof(TaskState);  // no map of permitted ports
  describe_task();
  for (unsigned vector = 0; vector < kVectors; ++vector) {
    g_gates[vector] = gate_of(vector);
  }
  const TableRegister segments{sizeof(g_segments) - 1, g_segments};
  const TableRegister gates{sizeof(g_gates) - 1, g_gates};
  // Selectors stay as boot.S loaded them: the same descriptors lie at the same places here.
  asm volatile("lgdt %0" : : "m"(segments) : "memory");
  asm volatile("lidt %0" : : "m"(gates) : "memory");
  asm volatile("ltr %0" : : "r"(kTask) : "memory");
}

}  // namespace ringside::guest
