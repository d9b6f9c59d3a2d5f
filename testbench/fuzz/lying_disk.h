// A virtio block device that tells a driver lies. It is plain function calls, without time: it does what VIRTIO says,
// on split and packed rings, through the modern and the legacy registers, except where a lie is due. Powered on anew it
// is what it was.
//
// The members are defined in files by what they are about: lying_config.cpp, lying_registers.cpp, lying_rings.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "testbench/fuzz/dma_memory.h"
#include "testbench/fuzz/lies.h"
#include "testbench/fuzz/reached.h"

namespace ringside::fuzz {

struct LyingShape {
  bool modern = true;  // else the legacy registers are all there is
  std::uint16_t queues = 1;
  std::uint16_t queue_size = 64;
  std::uint64_t features = 0;  // offered
};

class LyingDisk {
 public:
  static constexpr unsigned kVectors = 8;
  static constexpr std::uint64_t kSectors = 64;

  LyingDisk(const LyingShape& shape, DmaMemory& memory, Lies& lies, Reached& reached);
  // As out of the box; the disk's contents stay.
  void power_on();

  [[nodiscard]] std::uint32_t read_config(unsigned offset, unsigned width);
  void write_config(unsigned offset, unsigned width, std::uint32_t value);
  // In a BAR; all-ones, or nothing, where none decodes the address.
  [[nodiscard]] std::uint32_t read(bool io, std::uint64_t address, unsigned width);
  void write(bool io, std::uint64_t address, unsigned width, std::uint32_t value);

  // Is done with one request. False when there is none.
  bool work();
  // The driver waits: an opportunity for all that no driver asks for. How many ns it takes.
  std::uint64_t rest();

  // Interrupts since the process began: of an entry's message, and of the pin.
  [[nodiscard]] std::uint64_t messages(unsigned vector) const { return messages_[vector % kVectors]; }
  [[nodiscard]] std::uint64_t pin() const { return pin_; }
  void acknowledge_pin() { pin_ += isr_ != 0 ? 1 : 0; }

 private:
  struct Queue {
    std::uint16_t size = 0;
    std::uint16_t vector = 0xffff;
    std::uint16_t enabled = 0;
    std::uint64_t desc = 0;
    std::uint64_t driver = 0;
    std::uint64_t device = 0;
    std::uint16_t taken = 0;  // split: avail.idx that was fetched; packed: the place in the ring
    std::uint16_t used = 0;   // likewise of what was used
    bool taken_wrap = true;
    bool used_wrap = true;
  };
  struct Piece {
    std::uint64_t address;
    std::uint32_t length;
    bool writable;
  };
  struct Pending {
    std::uint16_t queue = 0;
    std::uint16_t id = 0;
    std::uint16_t slots = 1;
    std::vector<Piece> pieces;
    unsigned rests = 0;  // of one that completes later than its queue lives
  };
  // Where in a BAR.
  struct Spot {
    unsigned bar;
    std::uint32_t offset;
  };

  // --- Configuration space
  [[nodiscard]] std::uint64_t bar(unsigned index) const;
  [[nodiscard]] std::optional<Spot> find(bool io, std::uint64_t address) const;
  [[nodiscard]] bool message_signalled() const;
  [[nodiscard]] bool bus_master() const;

  // --- Registers
  [[nodiscard]] std::uint64_t read_true(const Spot& spot, unsigned width);
  [[nodiscard]] std::uint64_t read_common(std::uint32_t offset);
  [[nodiscard]] std::uint64_t read_queue(std::uint32_t offset);
  [[nodiscard]] std::uint64_t read_legacy(std::uint32_t offset, unsigned width);
  [[nodiscard]] std::uint64_t read_device(std::uint32_t offset, unsigned width) const;
  [[nodiscard]] std::uint64_t take_isr();
  void write_true(const Spot& spot, unsigned width, std::uint32_t value);
  void write_common(std::uint32_t offset, std::uint32_t value);
  void write_queue(std::uint32_t offset, std::uint32_t value);
  void write_legacy(std::uint32_t offset, std::uint32_t value);
  void write_status(std::uint8_t value);
  void place_legacy_queue(std::uint32_t page);
  [[nodiscard]] Queue* selected() { return select_ < queues_.size() ? &queues_[select_] : nullptr; }
  [[nodiscard]] std::uint32_t legacy_config() const { return message_signalled() ? 0x18 : 0x14; }
  void describe_disk();
  void reset();
  void reset_queue(std::uint16_t number);

  // --- Rings
  void doorbell();
  void fetch(std::uint16_t number);
  void fetch_split(std::uint16_t number);
  void fetch_packed(std::uint16_t number);
  [[nodiscard]] bool collect_split(const Queue& queue, std::uint16_t head, Pending& pending) const;
  void add_table(std::uint64_t address, std::uint32_t bytes, bool packed, Pending& pending) const;
  [[nodiscard]] std::uint8_t carry_out(const Pending& pending, std::uint32_t& written);
  [[nodiscard]] std::uint8_t transfer(const Pending& pending, std::uint64_t sector, bool to_disk,
                                      std::uint32_t& written);
  void complete(const Pending& pending, const Lie* lie);
  void put_status(const Pending& pending, std::uint8_t status) const;
  void put_used(Queue& queue, const Pending& pending, std::uint32_t id, std::uint32_t length, const Lie* lie);
  void put_used_packed(Queue& queue, const Pending& pending, std::uint32_t id, std::uint32_t length, const Lie* lie);
  void rewrite_chain(const Pending& pending, std::uint32_t value) const;
  void interrupt(std::uint16_t vector, std::uint8_t cause);
  void wake_orphans();
  [[nodiscard]] bool packed() const;

  template <class T>
  [[nodiscard]] T load(std::uint64_t bus) const;
  template <class T>
  void store(std::uint64_t bus, T value) const;

  LyingShape shape_;
  DmaMemory& memory_;
  Lies& lies_;
  Reached& reached_;
  std::vector<std::uint8_t> contents_;
  std::array<std::uint8_t, 256> config_{};
  std::array<std::uint32_t, 4 * kVectors> table_{};  // of MSI-X
  std::array<std::uint8_t, 0x60> device_config_{};
  std::vector<Queue> queues_;
  std::deque<Pending> pending_;
  std::deque<Pending> orphans_;
  std::uint64_t accepted_ = 0;
  std::uint32_t offered_select_ = 0;
  std::uint32_t accepted_select_ = 0;
  std::uint16_t config_vector_ = 0xffff;
  std::uint16_t select_ = 0;
  std::uint8_t status_ = 0;
  std::uint8_t generation_ = 0;
  std::uint8_t isr_ = 0;
  bool gone_ = false;
  std::array<std::uint64_t, kVectors> messages_{};
  std::uint64_t pin_ = 0;
};

}  // namespace ringside::fuzz
