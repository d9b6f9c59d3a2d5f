// The model's PC round disks that other processes serve. Its RAM is a memory file that the servers map, so rings and
// buffers are plain memory here, and the disks are truly concurrent devices. Time is real.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "driver/hal/machine.h"
#include "testbench/targets/dma_arena.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/qemu_ram.h"
#include "testbench/targets/run_clock.h"
#include "testbench/targets/vfio_user_places.h"
#include "testbench/vfio_user/client.h"

namespace ringside::targets {

class VfioUserMachine final : public hal::Machine {
 public:
  // One for each of the plan's disks: who serves it. They outlive the machine, and another machine may have them
  // afterwards. Powered on by construction, off by destruction. Construction and all calls throw RunAborted and
  // vfio_user::StreamError.
  VfioUserMachine(const MachinePlan& plan, std::span<vfio_user::Client> clients,
                  std::optional<std::chrono::seconds> limit);
  ~VfioUserMachine();
  VfioUserMachine(const VfioUserMachine&) = delete;
  VfioUserMachine& operator=(const VfioUserMachine&) = delete;

  // A disk leaves its slot by surprise, or comes back at power-on state.
  [[nodiscard]] bool unplug(unsigned disk);
  [[nodiscard]] bool plug(unsigned disk);

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

 private:
  [[nodiscard]] std::uint32_t read(bool io_space, std::uint64_t address, unsigned size);
  void write(bool io_space, std::uint64_t address, unsigned size, std::uint32_t value);
  void look();
  [[nodiscard]] std::uint64_t count(unsigned vector) const;

  VfioUserPlaces& places_;
  model::Board& board_;
  ModelCpu& cpu_;
  bool q35_;
  RunClock clock_;
  QemuRam ram_;
  DmaArena arena_;
  std::span<vfio_user::Client> clients_;
  std::chrono::nanoseconds power_on_{0};  // by the clock
  unsigned idle_looks_ = 0;               // of relax(), since the driver last did anything else
};

}  // namespace ringside::targets
