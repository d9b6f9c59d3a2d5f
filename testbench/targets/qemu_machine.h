// A PC in QEMU, as the driver sees a machine: registers over qtest, RAM mapped and shared, so that rings and buffers
// are plain memory here and QEMU is a truly concurrent device. Powered on by construction, off by destruction.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <optional>
#include <span>
#include <string>

#include "driver/hal/machine.h"
#include "testbench/targets/disk_image.h"
#include "testbench/targets/dma_arena.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/qemu_hotplug.h"
#include "testbench/targets/qemu_interrupts.h"
#include "testbench/targets/qemu_process.h"
#include "testbench/targets/qemu_qmp.h"
#include "testbench/targets/qemu_qtest.h"
#include "testbench/targets/qemu_ram.h"

namespace ringside::targets {

// Construction and all calls throw RunAborted when QEMU cannot be used (any longer).
class QemuMachine final : public hal::Machine {
 public:
  // `disks`, one for each of the plan's, outlive the machine. Use it in the thread that made it, see QemuProcess.
  QemuMachine(const std::string& binary, const MachinePlan& plan, std::span<const DiskImage> disks,
              std::chrono::seconds timeout);

  // For tests of supervision.
  [[nodiscard]] pid_t pid() const { return process_->pid(); }
  [[nodiscard]] bool resize_disk(unsigned unit, std::uint64_t bytes) { return qmp_->resize_disk(unit, bytes); }

  // A disk leaves its slot by surprise, or comes back at power-on state. False when QEMU cannot do that, see
  // qemu_hotplug.h.
  [[nodiscard]] bool unplug(unsigned unit) { return unplug_disk(*qtest_, *qmp_, plan_, unit); }
  [[nodiscard]] bool plug(unsigned unit) { return plug_disk(*qmp_, plan_, unit); }

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
  void start(const std::string& binary, std::span<const DiskImage> disks);

  MachinePlan plan_;
  RunClock clock_;
  boost::asio::io_context context_;
  QemuRam ram_;
  DmaArena arena_;
  QemuInterrupts interrupts_;
  std::optional<QemuProcess> process_;
  std::optional<Qtest> qtest_;
  std::optional<Qmp> qmp_;
  std::chrono::steady_clock::time_point power_on_;
  unsigned idle_looks_ = 0;  // of relax(), since the driver last did anything else
};

}  // namespace ringside::targets
