// A machine with a weak memory, between the driver and the tap: what memory order leaves open is decided at random,
// from one seed, so that a barrier that is missing shows on any host. docs/memory-order.md describes the model.
//
// Memory. One thing becomes visible to all devices at once (multi-copy atomic), and all agree on the order of values at
// one place (coherence). Else stores become visible late and in any order, and a load may give an older value that was
// there since the last acquire. Of two accesses to different places the four barriers alone order anything: release
// (avail_publish), acquire (used_consume) and full (avail_notify, used_rearm). No dependency does: a load's address is
// all that is seen here, not where the driver has it from. What is not simulated: a store that becomes visible before
// an older load has its value.
//
// Registers. Writes reach the device late, in their order. Those to memory are posted (PCI 3.0, 3.2.5); those to ports
// are not, but what a doorbell asks for a device may begin late all the same. A read of any register comes after all
// writes before it. None of that orders memory.
//
// What else the machine does is held to what a kernel's primitives promise: see each call.
//
// Devices. At each access the driver may be held up for as long as a device needs to do the next thing.
#pragma once

#include <cstdint>
#include <deque>
#include <map>

#include "driver/hal/machine.h"
#include "driver/hal/memory.h"
#include "testbench/scenarios/context.h"
#include "testbench/targets/hidden_data.h"
#include "testbench/targets/past_values.h"
#include "testbench/targets/run_hooks.h"
#include "testbench/targets/store_buffer.h"

namespace ringside::targets {

class WeakMachine final : public hal::Machine, public hal::Observer {
 public:
  // `machine` and `memory` are what the driver would have without this.
  WeakMachine(hal::Machine& machine, hal::Observer& memory, RunHooks& hooks, std::uint64_t seed);

  // All that the driver has done so far takes effect: before the bench itself does something.
  void settle();

  // In ns, for how long devices kept the driver from going on: by so much it may be late without a fault of its own.
  [[nodiscard]] std::uint64_t time_held_up() const { return time_held_up_; }

  // hal::Machine
  [[nodiscard]] hal::MachineInfo info() override { return machine_.info(); }
  [[nodiscard]] std::uint8_t in8(std::uint16_t port) override;
  [[nodiscard]] std::uint16_t in16(std::uint16_t port) override;
  [[nodiscard]] std::uint32_t in32(std::uint16_t port) override;
  void out8(std::uint16_t port, std::uint8_t value) override { post({true, 1, port, value}); }
  void out16(std::uint16_t port, std::uint16_t value) override { post({true, 2, port, value}); }
  void out32(std::uint16_t port, std::uint32_t value) override { post({true, 4, port, value}); }
  [[nodiscard]] std::uint8_t mmio_read8(std::uint64_t address) override;
  [[nodiscard]] std::uint16_t mmio_read16(std::uint64_t address) override;
  [[nodiscard]] std::uint32_t mmio_read32(std::uint64_t address) override;
  void mmio_write8(std::uint64_t address, std::uint8_t value) override { post({false, 1, address, value}); }
  void mmio_write16(std::uint64_t address, std::uint16_t value) override { post({false, 2, address, value}); }
  void mmio_write32(std::uint64_t address, std::uint32_t value) override { post({false, 4, address, value}); }
  // Orders nothing: that its zeroes are there before the device looks is the business of the barriers that publish.
  [[nodiscard]] hal::DmaBuffer alloc_dma_buffer(std::size_t size, std::size_t alignment) override;
  // Who gets the memory next does not see our stores arrive: an allocator's lock is a full barrier from one to the
  // next.
  void free_dma_buffer(const hal::DmaBuffer& buffer) override;
  // Order nothing: on a machine whose devices see the caches, dma_map and dma_unmap are address arithmetic. That the
  // device sees what a caller has written is for avail_publish to say, and that the caller sees what the device has
  // written, for used_consume.
  [[nodiscard]] hal::BusAddress map(void* cpu, std::size_t size, hal::DmaDirection direction) override;
  void unmap(hal::BusAddress bus, std::size_t size, hal::DmaDirection direction) override;
  [[nodiscard]] hal::BusAddress virt_to_phys(const void* cpu) override { return machine_.virt_to_phys(cpu); }
  [[nodiscard]] void* alloc_private(std::size_t size, std::size_t alignment) override {
    return machine_.alloc_private(size, alignment);
  }
  [[nodiscard]] hal::MsiMessage msi_message(unsigned vector) override { return machine_.msi_message(vector); }
  // Orders nothing: a plain look at a counter.
  [[nodiscard]] std::uint64_t interrupts(unsigned vector) override;
  // Full barriers on both sides: who goes to sleep sets its state with one and looks once more, who wakes it has one.
  [[nodiscard]] bool wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline) override;
  // A register of the interrupt controller.
  void acknowledge(unsigned vector) override;
  // Orders nothing.
  [[nodiscard]] std::uint64_t now() override;
  // Lets time pass, more than stores stay in a buffer or loads can be early. None where the driver has been held up
  // since its last one: it has waited enough, and what it waits for may be done.
  void relax(std::uint64_t deadline) override;
  void log(const char* text, std::size_t length) override { machine_.log(text, length); }

  // hal::Observer
  [[nodiscard]] std::uint64_t load(const void* address, unsigned size) override;
  void store(void* address, unsigned size, std::uint64_t value) override;
  void fence(hal::Fence fence) override;

 private:
  struct Posted {
    bool port = false;
    unsigned width = 0;
    std::uint64_t address = 0;
    std::uint32_t value = 0;
  };
  // How often, of 256 accesses. Drawn for each run: what needs a slow store buffer and a quick device is as likely as
  // the contrary.
  struct Habits {
    unsigned leave = 0;      // a store becomes visible
    unsigned arrive = 0;     // a posted write arrives
    unsigned interrupt = 0;  // the driver is held up
    unsigned early = 0;      // of loads that could give an older value: one does
  };

  [[nodiscard]] bool chance(unsigned of_256) { return (random_.next() & 0xff) < of_256; }
  [[nodiscard]] unsigned habit();
  // Between two accesses.
  void pass();
  void hold_up();
  void some_data_leaves();
  void one_store_leaves();
  void one_write_arrives();
  void write_port(const Posted& write);
  void write_memory(const Posted& write);
  void all_stores_leave();
  void all_writes_arrive();
  void acquire();
  void post(const Posted& write);
  template <class Access>
  [[nodiscard]] auto register_read(Access access);
  void watch(const void* address);
  [[nodiscard]] std::uint64_t load_older(const void* address, unsigned size, std::size_t nth);

  hal::Machine& machine_;
  hal::Observer& memory_;
  RunHooks& hooks_;
  scenarios::Random random_;
  Habits habits_;
  bool held_up_ = false;  // since the last relax
  std::uint64_t time_held_up_ = 0;
  StoreBuffer stores_;
  std::deque<Posted> posted_;
  PastValues past_;
  HiddenData hidden_;
  std::map<const std::uint8_t*, std::size_t> buffers_;  // live ones, and their bytes
  std::deque<const std::uint8_t*> watched_;             // pieces of them that the driver has loaded from, the last ones
  std::map<std::uint64_t, std::uint8_t*> mapped_;       // data, by bus address
};

}  // namespace ringside::targets
