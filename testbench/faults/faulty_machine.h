// A machine whose disk misbehaves. It stands between the target's machine and the tap, so that what it does looks to
// the driver, and in the log, like the device's doing, and is the same on every target.
//
// The true state stays below: what a fault changes is an overlay on reads, on interrupt counters and on what the device
// has written, and ends where the fault ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "driver/hal/machine.h"
#include "testbench/faults/config_faults.h"
#include "testbench/faults/plan.h"
#include "testbench/faults/register_faults.h"
#include "testbench/faults/shared_memory.h"
#include "testbench/trace/pci_shadow.h"
#include "testbench/trace/record.h"

namespace ringside::faults {

// Told when a fault has done what it was planned for. `fault` is its place in the plan.
class FaultListener {
 public:
  virtual void fired(std::size_t fault) = 0;
  // It cannot happen here, and why.
  virtual void impossible(std::size_t fault, const char* why) = 0;

 protected:
  ~FaultListener() = default;
};

class FaultyMachine final : public hal::Machine {
 public:
  explicit FaultyMachine(hal::Machine& inner) : inner_(inner) {}
  FaultyMachine(const FaultyMachine&) = delete;
  FaultyMachine& operator=(const FaultyMachine&) = delete;

  void listen(FaultListener& listener) { listener_ = &listener; }
  // The trigger has come: the action happens now or at the first opportunity.
  void arm(std::size_t index, const Fault& fault);
  // Drops what is armed and has not fired, and ends what would last: all but a removal.
  void disarm();
  // The tap's records, from which rings are learnt, and which queue a doorbell is for that comes next.
  void see(const trace::Record& record) {
    if (concerns(record.kind)) {
      learn(record);
    }
  }
  // The driver is about to look at used.idx.
  void before_look(std::uint8_t unit, std::uint16_t queue);
  // It has. Only now is told what was done for it to see: a device beside the driver writes over it in the next moment.
  void after_look();

  // hal::Machine
  [[nodiscard]] hal::MachineInfo info() override { return inner_.info(); }
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
  [[nodiscard]] hal::BusAddress map(void* cpu, std::size_t size, hal::DmaDirection direction) override {
    return inner_.map(cpu, size, direction);
  }
  void unmap(hal::BusAddress bus, std::size_t size, hal::DmaDirection direction) override {
    inner_.unmap(bus, size, direction);
  }
  [[nodiscard]] hal::BusAddress virt_to_phys(const void* cpu) override { return inner_.virt_to_phys(cpu); }
  [[nodiscard]] void* alloc_private(std::size_t size, std::size_t alignment) override {
    return inner_.alloc_private(size, alignment);
  }
  [[nodiscard]] hal::MsiMessage msi_message(unsigned vector) override { return inner_.msi_message(vector); }
  [[nodiscard]] std::uint64_t interrupts(unsigned vector) override;
  [[nodiscard]] bool wait(unsigned vector, std::uint64_t seen, std::uint64_t deadline) override;
  void acknowledge(unsigned vector) override { inner_.acknowledge(vector); }
  [[nodiscard]] std::uint64_t now() override { return inner_.now(); }
  void relax(std::uint64_t deadline) override { inner_.relax(deadline); }
  void log(const char* text, std::size_t length) override { inner_.log(text, length); }

 private:
  // Few records of a log are anything to it.
  [[nodiscard]] static constexpr bool concerns(trace::Kind kind) {
    return kind == trace::Kind::doorbell || SharedMemory::concerns(kind);
  }
  void learn(const trace::Record& record);

  struct Armed {
    std::size_t index = 0;
    Fault fault;
    std::uint64_t left = 1;  // so often it still happens
    bool said = false;       // that it has fired
  };
  // DEVICE_NEEDS_RESET of one unit, from arming until the reset.
  struct NeedsReset {
    std::size_t index = 0;
    bool announced = false;  // by its interrupt
    bool seen = false;
  };

  // The first armed fault that `which` holds for happens once: it is said that it fired, and it goes off the list when
  // that was the last time. False when there is none.
  template <class Which>
  bool take(Which which);
  void happens(std::size_t place);
  void drop(std::size_t place) { armed_.erase(armed_.begin() + static_cast<std::ptrdiff_t>(place)); }
  void fires(std::size_t place);

  [[nodiscard]] bool is_config_data(std::uint16_t port) const;
  [[nodiscard]] trace::ConfigAddress selected(std::uint16_t port) const;
  [[nodiscard]] bool is_removed(std::uint16_t function) const;
  void do_what_is_due();
  [[nodiscard]] const char* do_to_function(const Fault& fault, std::uint16_t function);
  void clear_command(std::uint16_t function, std::uint16_t bits);
  [[nodiscard]] bool reset_below(std::uint8_t unit);
  [[nodiscard]] static bool reset_function(ConfigPorts& ports);
  void learn_config(bool write, const trace::ConfigAddress& at, unsigned width, std::uint32_t value);
  template <class Word, class Access>
  [[nodiscard]] Word config_read(const trace::ConfigAddress& at, Access access);
  template <class Word, class Access>
  void config_write(const trace::ConfigAddress& at, Word value, Access access);

  // What the driver gets of a read that the device answered with `value`.
  template <class Word>
  [[nodiscard]] Word register_read(const trace::BarLocation& where, unsigned width, Word value);
  // What the device gets; nothing when the write is lost.
  [[nodiscard]] std::optional<std::uint32_t> register_write(const trace::BarLocation& where, unsigned width,
                                                            std::uint32_t value);
  [[nodiscard]] std::uint32_t changed_config(const trace::ConfigAddress& at, unsigned width, std::uint32_t value);
  // Whether the write that comes is a doorbell, and is lost.
  [[nodiscard]] bool is_lost_doorbell();
  template <class Word, class Access>
  [[nodiscard]] Word port_read(std::uint16_t port, Access access);
  template <class Word, class Access>
  void port_write(std::uint16_t port, Word value, Access access);

  template <class Word, class Access>
  [[nodiscard]] Word memory_read(std::uint64_t address, Access access);
  template <class Word, class Access>
  void memory_write(std::uint64_t address, Word value, Access access);

  [[nodiscard]] bool change_used_memory(const Fault& fault);
  [[nodiscard]] bool change_index(const Fault& fault);
  [[nodiscard]] const char* why_impossible(const Fault& fault);
  [[nodiscard]] bool announce();
  [[nodiscard]] std::uint64_t as_seen(unsigned vector, std::uint64_t count) const;

  hal::Machine& inner_;
  FaultListener* listener_ = nullptr;
  std::vector<Armed> armed_;
  std::vector<std::size_t> shown_;  // faults, by the look that goes on
  SharedMemory memory_;
  trace::PciShadow pci_;
  std::uint32_t config_address_ = 0;
  std::optional<std::pair<std::uint8_t, std::uint16_t>> doorbell_;  // unit and queue of the one that comes next
  std::map<std::uint8_t, std::uint16_t> function_of_;               // by unit
  std::set<std::uint8_t> removed_;                                  // units
  std::set<std::uint8_t> absent_;                                   // the same, for who reads configuration space
  std::map<std::uint16_t, ConfigFaults> config_faults_;             // by function
  RegisterFaults register_faults_;
  struct StatusPlace {
    bool port = false;
    std::uint64_t address = 0;
  };
  std::map<std::uint8_t, StatusPlace> status_of_;  // by unit: where the driver has written it
  std::map<std::uint8_t, NeedsReset> needs_reset_;
  std::map<unsigned, std::int64_t> added_interrupts_;  // by vector; less than 0 for those that were lost
  std::map<unsigned, std::uint64_t> delivered_;        // the machine's count, as it stood at the last look
};

}  // namespace ringside::faults
