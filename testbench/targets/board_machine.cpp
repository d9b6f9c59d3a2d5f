#include "testbench/targets/board_machine.h"

#include "testbench/targets/machine_windows.h"

namespace ringside::targets {

hal::MachineInfo BoardMachine::info() {
  return machine_info(board_.machine() == model::MachineType::q35, model::InterruptController::kMsiVectors);
}

std::uint32_t BoardMachine::read(bool io_space, std::uint64_t address, unsigned size) {
  accessing();
  return cpu_.read(io_space, address, size);
}

void BoardMachine::write(bool io_space, std::uint64_t address, unsigned size, std::uint32_t value) {
  accessing();
  cpu_.write(io_space, address, size, value);
}

std::uint8_t BoardMachine::in8(std::uint16_t port) { return static_cast<std::uint8_t>(read(true, port, 1)); }
std::uint16_t BoardMachine::in16(std::uint16_t port) { return static_cast<std::uint16_t>(read(true, port, 2)); }
std::uint32_t BoardMachine::in32(std::uint16_t port) { return read(true, port, 4); }
void BoardMachine::out8(std::uint16_t port, std::uint8_t value) { write(true, port, 1, value); }
void BoardMachine::out16(std::uint16_t port, std::uint16_t value) { write(true, port, 2, value); }
void BoardMachine::out32(std::uint16_t port, std::uint32_t value) { write(true, port, 4, value); }

std::uint8_t BoardMachine::mmio_read8(std::uint64_t address) {
  return static_cast<std::uint8_t>(read(false, address, 1));
}
std::uint16_t BoardMachine::mmio_read16(std::uint64_t address) {
  return static_cast<std::uint16_t>(read(false, address, 2));
}
std::uint32_t BoardMachine::mmio_read32(std::uint64_t address) { return read(false, address, 4); }
void BoardMachine::mmio_write8(std::uint64_t address, std::uint8_t value) { write(false, address, 1, value); }
void BoardMachine::mmio_write16(std::uint64_t address, std::uint16_t value) { write(false, address, 2, value); }
void BoardMachine::mmio_write32(std::uint64_t address, std::uint32_t value) { write(false, address, 4, value); }

hal::MsiMessage BoardMachine::msi_message(unsigned vector) { return {model::InterruptController::kMsiBase, vector}; }

std::uint64_t BoardMachine::count(unsigned vector) const {
  return vector >= hal::kFirstLineVector ? board_.interrupts.line_count(vector - hal::kFirstLineVector)
                                         : board_.interrupts.msi_count(vector);
}

}  // namespace ringside::targets
