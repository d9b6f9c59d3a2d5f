// A PC in QEMU, as the driver sees a machine: registers over qtest, RAM mapped and shared, so that rings and buffers
// are plain memory here and QEMU is a truly concurrent device. Powered on by construction, off by destruction.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>

#include "driver/hal/machine.h"
#include "testbench/targets/disk_image.h"
#include "testbench/targets/dma_arena.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/qemu_asks.h"
#include "testbench/targets/qemu_hotplug.h"
#include "testbench/targets/qemu_interrupts.h"
#include "testbench/targets/qemu_ram.h"
#include "testbench/targets/qemu_session.h"

namespace ringside::targets {

// Construction and all calls throw RunAborted when QEMU cannot be used (any longer).
class QemuMachine final : public hal::Machine {
 public:
  // `disks`, one for each of the plan's, outlive the machine. `limit` is RunClock's. Use it in the thread that made it,
  // see QemuProcess.
  QemuMachine(const std::string& binary, const MachinePlan& plan, std::span<const DiskImage> disks,
              std::optional<std::chrono::seconds> limit);

  // Right after construction. The recording is closed when the machine goes.
  void record(QtestRecording& recording);
  ~QemuMachine();
  QemuMachine(const QemuMachine&) = delete;
  QemuMachine& operator=(const QemuMachine&) = delete;

  // For tests of supervision.
  [[nodiscard]] pid_t pid() const { return session_->process().pid(); }
  [[nodiscard]] bool resize_disk(unsigned unit, std::uint64_t bytes) {
    return session_->qmp().resize_disk(unit, bytes);
  }

  // A disk leaves its slot by surprise, or comes back at power-on state. False when QEMU cannot do that, see
  // qemu_hotplug.h.
  [[nodiscard]] bool unplug(unsigned unit) { return unplug_disk(qtest(), session_->qmp(), plan_, unit); }
  [[nodiscard]] bool plug(unsigned unit) { return plug_disk(session_->qmp(), plan_, unit); }
  [[nodiscard]] Qmp& qmp() { return session_->qmp(); }
  [[nodiscard]] std::uint64_t ask(scenarios::Ask what, std::uint64_t argument) {
    return answer_by_qemu(*session_, plan_, disks_, what, argument);
  }

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
  [[nodiscard]] Qtest& qtest() { return session_->qtest(); }

  MachinePlan plan_;
  std::span<const DiskImage> disks_;
  RunClock clock_;
  QemuRam ram_;
  DmaArena arena_;
  QemuInterrupts interrupts_;
  std::optional<QemuSession> session_;
  QtestRecording* recording_ = nullptr;
  std::chrono::nanoseconds power_on_{0};  // by the clock
  unsigned idle_looks_ = 0;               // of relax(), since the driver last did anything else
};

}  // namespace ringside::targets
