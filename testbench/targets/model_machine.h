// The model's PC, as a driver sees a machine: its program runs on the model's CPU, and every register access is a TLM
// transaction.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "driver/hal/machine.h"
#include "model/board.h"
#include "testbench/targets/dma_arena.h"
#include "testbench/targets/iommu_tables.h"
#include "testbench/targets/model_cpu.h"
#include "testbench/targets/model_follower.h"

namespace ringside::targets {

class ModelMachine final : public hal::Machine {
 public:
  // For one run, on a board that is powered on. `follower` may be null. Calls throw RunAborted when `limit` of real
  // time has passed, if there is one.
  ModelMachine(model::Board& board, ModelCpu& cpu, ModelFollower* follower, std::optional<std::chrono::seconds> limit);
  ~ModelMachine();
  ModelMachine(const ModelMachine&) = delete;
  ModelMachine& operator=(const ModelMachine&) = delete;

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
  // Every call that can be one of an endless loop comes here.
  void tick() {
    constexpr std::uint32_t kCallsPerLookAtTheClock = 4096;
    if (++calls_ % kCallsPerLookAtTheClock == 0) {
      check_real_time();
    }
  }
  void check_real_time();
  [[nodiscard]] std::uint64_t count(unsigned vector) const;
  void let_time_pass_until(model::Picoseconds deadline);

  model::Board& board_;
  ModelCpu& cpu_;
  ModelFollower* follower_;
  DmaArena arena_;
  IommuTables tables_;  // used while the IOMMU is on
  std::uint32_t calls_ = 0;
  std::optional<std::chrono::steady_clock::time_point> real_deadline_;
};

}  // namespace ringside::targets
