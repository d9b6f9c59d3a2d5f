// The driver-side tap: stands between a driver and its machine and turns all that crosses the hardware interface
// into records. It knows nothing of the driver: where the virtio structures are it learns from the capabilities that
// the driver reads, where the rings are from the queue addresses that the driver writes, and what a request is from
// the chain that the driver publishes. So it works for any driver, and a driver cannot lie to it.
//
// It also surrounds every DMA buffer with guard bytes, so that a stray write by a device is seen.
#pragma once

#include <cstdint>
#include <memory>

#include "driver/hal/machine.h"
#include "driver/hal/memory.h"
#include "testbench/trace/record.h"

namespace ringside::trace {

struct TapOptions {
  bool accesses = false;  // record every load and store of shared memory (Kind::access)
  // The driver's accesses to shared memory are not told to the tap. It looks for itself into rings, and at chains and
  // their results, whenever the driver turns to the machine. That finds everything where the device does nothing
  // between two such turns; anywhere else a status byte may be the next request's. Payloads are not hashed.
  bool from_outside = false;
  std::uint64_t spin_limit = 10'000'000;  // loads in a row without relax, wait or a store before on_spin
};

// What the tap asks of the bench.
class TapHooks {
 public:
  virtual void before_look(std::uint8_t unit, std::uint16_t queue) = 0;  // see targets::RunHooks
  // It has looked, and nothing is recorded of it yet.
  virtual void after_look() {}
  // The driver is about to reset the device or one of its queues, which stand still for what the driver knows.
  virtual void before_reset(std::uint8_t /*unit*/) {}
  // The driver has spun: does not return (throws).
  virtual void on_spin(const void* address) = 0;

 protected:
  ~TapHooks() = default;
};

class DriverTap final : public hal::Machine, public hal::Observer {
 public:
  DriverTap(hal::Machine& inner, Sink& sink, TapHooks& hooks, const TapOptions& options);
  ~DriverTap();
  DriverTap(const DriverTap&) = delete;
  DriverTap& operator=(const DriverTap&) = delete;

  // Bench records carry the machine's time too; `text` follows `record` in text records.
  void emit(Record record);
  void emit_text(const char* text, std::size_t length);
  // A bus address as records have it, see packed_address().
  [[nodiscard]] std::uint64_t packed(std::uint64_t bus) const;
  // Checks the guard bytes of all live buffers; returns how many buffers were hit. Also done at every free.
  std::size_t check_guards();

  // hal::Machine
  [[nodiscard]] hal::MachineInfo info() override;
  [[nodiscard]] std::uint8_t in8(std::uint16_t port) override;
  [[nodiscard]] std::uint16_t in16(std::uint16_t port) override;
  [[nodiscard]] std::uint32_t in32(std::uint16_t port) override;
  void out8(std::uint16_t port, std::uint8_t value) override;
  void out16(std::uint16_t port, std::uint16_t value) override;
  void out32(std::uint16_t port, std::uint32_t value) override;
  [[nodiscard]] std::uint8_t mmio_read8(std::uint64_t address) override;
  [[nodiscard]] std::uint16_t mmio_read16(std::uint64_t address) override;
  [[nodiscard]] std::uint32_t mmio_read32(std::uint64_t address) override;
  void mmio_write8(std::uint64_t address, std::uint8_t value) override;
  void mmio_write16(std::uint64_t address, std::uint16_t value) override;
  void mmio_write32(std::uint64_t address, std::uint32_t value) override;
  [[nodiscard]] hal::DmaBuffer alloc_dma_buffer(std::size_t size, std::size_t alignment) override;
  void free_dma_buffer(const hal::DmaBuffer& buffer) override;
  [[nodiscard]] hal::BusAddress map(void* cpu, std::size_t size, hal::DmaDirection direction) override;
  void unmap(hal::BusAddress bus, std::size_t size, hal::DmaDirection direction) override;
  [[nodiscard]] hal::BusAddress virt_to_phys(const void* cpu) override;
  [[nodiscard]] void* alloc_private(std::size_t size, std::size_t alignment) override;
  [[nodiscard]] hal::MsiMessage msi_message(unsigned vector) override;
  [[nodiscard]] std::uint64_t interrupts(unsigned vector) override;
  [[nodiscard]] bool wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline) override;
  void acknowledge(unsigned vector) override;
  [[nodiscard]] std::uint64_t now() override;
  void relax(std::uint64_t deadline) override;
  void log(const char* text, std::size_t length) override;

  // hal::Observer
  [[nodiscard]] std::uint64_t load(const void* address, unsigned size) override;
  void store(void* address, unsigned size, std::uint64_t value) override;
  void fence(hal::Fence fence) override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace ringside::trace
