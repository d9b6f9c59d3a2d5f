// The cold half of the hardware interface: all that a driver may ask of a machine, except touching
// memory it shares with a device (that is the hot half, memory.h).
//
// A driver written against this class runs unchanged in the SystemC model, against QEMU over qtest, and
// on a bare CPU. The seam sits below PCI on purpose: enumeration, capability parsing and MSI-X set-up are
// the driver's own code and are tested too.
//
// Rules for implementers and callers:
//  - One thread at a time. No driver code ever runs in interrupt context: an interrupt is a counter.
//  - Virtual calls are for a doorbell, a mapping, a wait; never for a ring access.
//  - The destructor is protected and not virtual, and there is no key function: a virtual destructor
//    would pull operator delete into a freestanding link.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringside::hal {

// An address as a device sees it. Never assume that it equals the CPU's pointer or physical address.
enum class BusAddress : std::uint64_t {};

inline constexpr BusAddress kInvalidBusAddress{~std::uint64_t{0}};

[[nodiscard]] constexpr std::uint64_t raw(BusAddress address) { return static_cast<std::uint64_t>(address); }
[[nodiscard]] constexpr BusAddress operator+(BusAddress address, std::uint64_t offset) {
  return BusAddress{raw(address) + offset};
}

// Memory that CPU and devices share. `cpu` is null when the allocation failed.
struct DmaBuffer {
  void* cpu = nullptr;
  BusAddress bus = kInvalidBusAddress;
  std::size_t size = 0;
};

enum class DmaDirection : std::uint8_t { to_device, from_device, both };

// What a function writes to raise one message-signalled interrupt.
struct MsiMessage {
  std::uint64_t address = 0;
  std::uint32_t data = 0;
};

// An address range that a driver may assign to BARs: [base, base + size).
struct Window {
  std::uint64_t base = 0;
  std::uint64_t size = 0;
};

// DMA memory that every device reaches as it is: the byte at cpu + n is at bus + n, and nothing is mapped or unmapped.
struct DirectDma {
  const void* cpu = nullptr;
  BusAddress bus{};
  std::size_t size = 0;  // 0: there is none, and data is mapped for each transfer
};

// What firmware tables would tell. Constant from power-on.
struct MachineInfo {
  Window io_window;          // for I/O BARs
  Window memory_window;      // for memory BARs below 4 GiB
  unsigned msi_vectors = 0;  // vectors 0 .. msi_vectors-1 can be asked of msi_message()
  Window high_window{};      // for 64-bit memory BARs above it; size 0: none
  // Where the memory-mapped configuration space (ECAM) may be put, 1 MiB a bus; size 0: the machine has none.
  Window ecam_window{};
  DirectDma direct_dma{};
};

// Interrupt vectors: message-signalled ones count from 0, the lines of the interrupt controller from here.
inline constexpr unsigned kFirstLineVector = 0x1000;
[[nodiscard]] constexpr unsigned line_vector(std::uint8_t irq) { return kFirstLineVector + irq; }

// Deadlines and clock readings are nanoseconds since power-on.
inline constexpr std::uint64_t kMicrosecond = 1'000;
inline constexpr std::uint64_t kMillisecond = 1'000'000;
inline constexpr std::uint64_t kSecond = 1'000'000'000;

class Machine {
 public:
  [[nodiscard]] virtual MachineInfo info() = 0;

  // --- Port I/O. `port` of 16- and 32-bit accesses need not be aligned. An unclaimed read is all-ones.
  [[nodiscard]] virtual std::uint8_t in8(std::uint16_t port) = 0;
  [[nodiscard]] virtual std::uint16_t in16(std::uint16_t port) = 0;
  [[nodiscard]] virtual std::uint32_t in32(std::uint16_t port) = 0;
  virtual void out8(std::uint16_t port, std::uint8_t value) = 0;
  virtual void out16(std::uint16_t port, std::uint16_t value) = 0;
  virtual void out32(std::uint16_t port, std::uint32_t value) = 0;

  // --- Memory-mapped registers, by CPU physical address, naturally aligned. An unclaimed read is all-ones.
  // Orders nothing but itself: a doorbell needs its fence before it.
  [[nodiscard]] virtual std::uint8_t mmio_read8(std::uint64_t address) = 0;
  [[nodiscard]] virtual std::uint16_t mmio_read16(std::uint64_t address) = 0;
  [[nodiscard]] virtual std::uint32_t mmio_read32(std::uint64_t address) = 0;
  virtual void mmio_write8(std::uint64_t address, std::uint8_t value) = 0;
  virtual void mmio_write16(std::uint64_t address, std::uint16_t value) = 0;
  virtual void mmio_write32(std::uint64_t address, std::uint32_t value) = 0;

  // --- DMA memory. `alignment` is a power of two, 1 .. 64 KiB. The buffer is zero-filled; `cpu` is null when
  // memory has run out. free_dma_buffer takes what alloc_dma_buffer gave, once.
  [[nodiscard]] virtual DmaBuffer alloc_dma_buffer(std::size_t size, std::size_t alignment) = 0;
  virtual void free_dma_buffer(const DmaBuffer& buffer) = 0;

  // Gives the device access to `size` bytes inside a DMA buffer, until unmap. kInvalidBusAddress when the
  // range is not DMA memory. Every map is paired with one unmap of the same address, size and direction.
  [[nodiscard]] virtual BusAddress map(void* cpu, std::size_t size, DmaDirection direction) = 0;
  virtual void unmap(BusAddress bus, std::size_t size, DmaDirection direction) = 0;

  // The bus address of a byte inside a DMA buffer; kInvalidBusAddress for any other pointer.
  [[nodiscard]] virtual BusAddress virt_to_phys(const void* cpu) = 0;

  // --- Private memory: no device can reach it. Zero-filled, null when it has run out, and given back as a
  // whole at power-off. What the driver must be able to trust lives here.
  [[nodiscard]] virtual void* alloc_private(std::size_t size, std::size_t alignment) = 0;

  // --- Interrupts are monotonic counters, one per vector. Coalescing is allowed: a counter says "at least".
  [[nodiscard]] virtual MsiMessage msi_message(unsigned vector) = 0;
  [[nodiscard]] virtual std::uint64_t interrupts(unsigned vector) = 0;
  // Returns true as soon as the counter differs from `seen`, false at `deadline`.
  [[nodiscard]] virtual bool wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline) = 0;
  // Re-arms a level-triggered line, which is masked at delivery; if the line is still high it counts again.
  // Nothing to do for a message-signalled vector.
  virtual void acknowledge(unsigned vector) = 0;

  // --- Time, in nanoseconds since power-on; never goes backwards.
  [[nodiscard]] virtual std::uint64_t now() = 0;
  // "I have looked and found nothing." Lets time pass, at most until `deadline`; a simulation jumps to the
  // next thing that a device will do. Every polling loop calls it.
  virtual void relax(std::uint64_t deadline) = 0;

  // --- One line for the driver's log, without a line end.
  virtual void log(const char* text, std::size_t length) = 0;

 protected:
  ~Machine() = default;
};

}  // namespace ringside::hal
