// The model's PC, as a driver sees a machine: its program runs on the model's CPU, and every register access is a TLM
// transaction.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "driver/hal/machine.h"
#include "model/board.h"
#include "testbench/targets/board_machine.h"
#include "testbench/targets/compute_limit.h"
#include "testbench/targets/dma_arena.h"
#include "testbench/targets/iommu_tables.h"
#include "testbench/targets/model_cpu.h"
#include "testbench/targets/model_follower.h"

namespace ringside::targets {

class ModelMachine final : public BoardMachine {
 public:
  // For one run, on a board that is powered on. `follower` may be null. Calls throw RunAborted when `limit` of real
  // time has passed, if there is one.
  ModelMachine(model::Board& board, ModelCpu& cpu, ModelFollower* follower, std::optional<std::chrono::seconds> limit);
  ~ModelMachine();
  ModelMachine(const ModelMachine&) = delete;
  ModelMachine& operator=(const ModelMachine&) = delete;

  [[nodiscard]] hal::DmaBuffer alloc_dma_buffer(std::size_t size, std::size_t alignment) override;
  void free_dma_buffer(const hal::DmaBuffer& buffer) override;
  [[nodiscard]] hal::BusAddress map(void* cpu, std::size_t size, hal::DmaDirection direction) override;
  void unmap(hal::BusAddress bus, std::size_t size, hal::DmaDirection direction) override;
  [[nodiscard]] hal::BusAddress virt_to_phys(const void* cpu) override;
  [[nodiscard]] void* alloc_private(std::size_t size, std::size_t alignment) override;
  [[nodiscard]] std::uint64_t interrupts(unsigned vector) override;
  [[nodiscard]] bool wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline) override;
  void acknowledge(unsigned vector) override;
  [[nodiscard]] std::uint64_t now() override;
  void relax(std::uint64_t deadline) override;

 private:
  void accessing() override { tick(); }
  // Every call that can be one of an endless loop comes here.
  void tick() {
    constexpr std::uint32_t kCallsPerLookAtTheClock = 4096;
    if (++calls_ % kCallsPerLookAtTheClock == 0) {
      check_real_time();
    }
  }
  void check_real_time();
  void let_time_pass_until(model::Picoseconds deadline);

  ModelFollower* follower_;
  DmaArena arena_;
  IommuTables tables_;  // used while the IOMMU is on
  std::uint32_t calls_ = 0;
  std::optional<ComputeLimit> real_limit_;
};

}  // namespace ringside::targets
