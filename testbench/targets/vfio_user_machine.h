// The model's PC round disks that other processes serve. Its RAM is a memory file that the servers map, so rings and
// buffers are plain memory here, and the disks are truly concurrent devices. Time is real.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "driver/hal/machine.h"
#include "testbench/targets/board_machine.h"
#include "testbench/targets/dma_arena.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/qemu_ram.h"
#include "testbench/targets/run_clock.h"
#include "testbench/targets/vfio_user_places.h"
#include "testbench/vfio_user/client.h"

namespace ringside::targets {

class VfioUserMachine final : public BoardMachine {
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
  void accessing() override { idle_looks_ = 0; }
  void look();

  VfioUserPlaces& places_;
  RunClock clock_;
  QemuRam ram_;
  DmaArena arena_;
  std::span<vfio_user::Client> clients_;
  std::chrono::nanoseconds power_on_{0};  // by the clock
  unsigned idle_looks_ = 0;               // of relax(), since the driver last did anything else
};

}  // namespace ringside::targets
