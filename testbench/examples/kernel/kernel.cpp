// A kernel that does one thing: it brings the virtio disk up with Ringside's driver, writes a sector, reads it back,
// says how that went, and switches the machine off.
#include <cstddef>
#include <cstdint>
#include <new>

#include "driver/block/block_device.h"
#include "driver/block/open.h"
#include "driver/hal/memory.h"
#include "testbench/examples/kernel/cpu.h"
#include "testbench/examples/kernel/machine.h"

// The four functions that a compiler may call unasked.
extern "C" void* memcpy(void* to, const void* from, std::size_t size) {
  void* const result = to;
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
  return result;
}
extern "C" void* memset(void* to, int value, std::size_t size) {
  void* const result = to;
  asm volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
  return result;
}
extern "C" void* memmove(void* to, const void* from, std::size_t size) {
  if (reinterpret_cast<std::uintptr_t>(to) - reinterpret_cast<std::uintptr_t>(from) >= size) {
    return memcpy(to, from, size);
  }
  for (std::size_t i = size; i != 0; --i) {
    *(static_cast<volatile std::uint8_t*>(to) + i - 1) = *(static_cast<const std::uint8_t*>(from) + i - 1);
  }
  return to;
}
extern "C" int memcmp(const void* left, const void* right, std::size_t size) {
  const auto* const a = static_cast<const volatile std::uint8_t*>(left);
  const auto* const b = static_cast<const volatile std::uint8_t*>(right);
  for (std::size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) {
      return a[i] < b[i] ? -1 : 1;
    }
  }
  return 0;
}

namespace {

namespace block = ringside::block;

bool write_and_read_back(ringside::hal::Machine& machine, block::BlockDevice& disk) {
  constexpr std::uint64_t kSector = 1;
  const ringside::hal::DmaBuffer written = machine.alloc_dma_buffer(block::kSectorSize, block::kSectorSize);
  const ringside::hal::DmaBuffer read = machine.alloc_dma_buffer(block::kSectorSize, block::kSectorSize);
  if (written.cpu == nullptr || read.cpu == nullptr) {
    return false;
  }
  memset(written.cpu, 0x5a, written.size);
  return disk.write(kSector, written.cpu, block::kSectorSize) == block::Status::ok &&
         disk.flush() == block::Status::ok && disk.read(kSector, read.cpu, block::kSectorSize) == block::Status::ok &&
         memcmp(written.cpu, read.cpu, block::kSectorSize) == 0;
}

template <std::size_t kSize>
void say(ringside::hal::Machine& machine, const char (&text)[kSize]) {
  machine.log(text, kSize - 1);
}

// QEMU's isa-debug-exit: its exit status will be value * 2 + 1.
[[noreturn]] void switch_off(std::uint8_t value) {
  constexpr std::uint16_t kDebugExitPort = 0xf4;
  example::port_write8(kDebugExitPort, value);
  for (;;) {
    asm volatile("hlt");
  }
}

}  // namespace

extern "C" [[noreturn]] void kernel_main() {
  alignas(example::BarePc) static std::uint8_t place[sizeof(example::BarePc)];  // no constructors run before us
  auto& machine = *new (place) example::BarePc;
  block::Options options;
  options.completion = block::Completion::polled;
  block::BlockDevice* const disk = block::open_disk(machine, ringside::hal::Plain{}, options);
  const bool good = disk != nullptr && write_and_read_back(machine, *disk);
  if (good) {
    say(machine, "[kernel] a sector was written and read back");
  } else {
    say(machine, "[kernel] the disk does not work");
  }
  if (disk != nullptr) {
    disk->shutdown();
  }
  switch_off(good ? 0 : 1);
}
