// The model's PC as a driver sees it, whatever its disks are: every register access is a TLM transaction of the model's
// CPU, and interrupts are what the model's interrupt controller has counted.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver/hal/machine.h"
#include "model/board.h"
#include "testbench/targets/model_cpu.h"

namespace ringside::targets {

class BoardMachine : public hal::Machine {
 public:
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
  [[nodiscard]] hal::MsiMessage msi_message(unsigned vector) override;
  // Nobody listens here: what the driver logs is seen by the tap.
  void log(const char*, std::size_t) override {}

 protected:
  // Both outlive it.
  BoardMachine(model::Board& board, ModelCpu& cpu) : board_(board), cpu_(cpu) {}
  ~BoardMachine() = default;
  BoardMachine(const BoardMachine&) = delete;
  BoardMachine& operator=(const BoardMachine&) = delete;

  // The driver is about to access a register.
  virtual void accessing() = 0;
  // Of a vector or a line, as the controller has it now.
  [[nodiscard]] std::uint64_t count(unsigned vector) const;

  model::Board& board_;
  ModelCpu& cpu_;

 private:
  [[nodiscard]] std::uint32_t read(bool io_space, std::uint64_t address, unsigned size);
  void write(bool io_space, std::uint64_t address, unsigned size, std::uint32_t value);
};

}  // namespace ringside::targets
