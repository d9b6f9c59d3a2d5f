// A driver that keeps to nothing: the disk of the model at the level of ports, registers and bytes in memory. It knows
// the legal way as well, so that an input can begin with a device that works, and end with one that has to.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "driver/hal/machine.h"

namespace ringside::fuzz {

struct Slot {
  unsigned bus = 0;
  unsigned device = 4;
  unsigned function = 0;
};

// One piece of a request. `flags` are a descriptor's.
struct Piece {
  std::uint64_t address = 0;
  std::uint32_t length = 0;
  std::uint16_t flags = 0;
};

class BareDisk {
 public:
  // Where it puts the BARs.
  static constexpr std::uint16_t kLegacyPorts = 0xc000;
  static constexpr std::uint64_t kModern = 0xe000'0000;
  static constexpr std::uint64_t kTable = 0xe001'0000;
  static constexpr std::uint64_t kIsr = kModern + 0x1000;
  static constexpr std::uint64_t kDeviceConfig = kModern + 0x2000;
  static constexpr std::uint64_t kNotify = kModern + 0x3000;

  // The memory of one queue, by offset.
  static constexpr std::size_t kDescriptors = 0x0000;
  static constexpr std::size_t kAvailable = 0x1000;
  static constexpr std::size_t kUsed = 0x2000;
  static constexpr std::size_t kHeaders = 0x3000;  // 16 bytes each, then their status bytes
  static constexpr std::size_t kStatuses = 0x3800;
  static constexpr std::size_t kTables = 0x4000;
  static constexpr std::size_t kData = 0x8000;
  static constexpr std::size_t kQueueBytes = 0x1'0000;
  static constexpr std::uint16_t kQueueSize = 16;
  static constexpr unsigned kMostQueues = 2;

  explicit BareDisk(hal::Machine& machine, const Slot& slot);

  [[nodiscard]] std::uint32_t read_config(const Slot& slot, unsigned offset, unsigned width);
  void write_config(const Slot& slot, unsigned offset, unsigned width, std::uint32_t value);
  [[nodiscard]] std::uint32_t read(std::uint64_t address, unsigned width);
  void write(std::uint64_t address, unsigned width, std::uint32_t value);
  [[nodiscard]] const Slot& slot() const { return slot_; }

  // --- The legal way
  // Whatever was done to the machine, the disk is reached where the constants above say.
  void place();
  // From reset to DRIVER_OK with all of `features` that are offered. False when the device refuses.
  [[nodiscard]] bool bring_up(std::uint64_t features);
  void set_queue_up(unsigned queue);
  // Header, data, status, as a chain in the ring or as a table; published, without a doorbell.
  void put_request(unsigned queue, std::uint32_t type, std::uint64_t sector, std::uint32_t bytes, bool indirect);
  void put_pieces(unsigned queue, const std::array<Piece, 3>& pieces, bool indirect);
  void ring(unsigned queue);
  void let_time_pass(std::uint64_t nanoseconds);

  // --- Memory
  [[nodiscard]] std::uint8_t* cpu(unsigned queue, std::size_t offset);
  [[nodiscard]] std::uint64_t bus(unsigned queue, std::size_t offset) const;
  // What fits in the queue's memory is written, little-endian.
  void poke(unsigned queue, std::size_t offset, std::uint64_t value, unsigned bytes);
  void set_descriptor(unsigned queue, std::size_t at, const Piece& piece, std::uint16_t last_word);

  [[nodiscard]] bool packed() const { return packed_; }
  // How often the device used something since bring-up; of a split ring.
  [[nodiscard]] std::uint16_t used_index(unsigned queue);
  // Of the request put last.
  [[nodiscard]] std::uint8_t status(unsigned queue) { return *cpu(queue, status_offset(queue)); }

 private:
  struct Queue {
    hal::DmaBuffer memory;
    std::uint16_t next = 0;  // split: avail.idx; packed: the place in the ring
    bool wrap = true;
    std::uint16_t requests = 0;
    std::uint32_t name = 0;  // in a doorbell
  };

  [[nodiscard]] std::size_t status_offset(unsigned queue) const;
  void place_bridge();
  [[nodiscard]] std::uint64_t negotiate(std::uint64_t features);

  hal::Machine& machine_;
  Slot slot_;
  std::array<Queue, kMostQueues> queues_;
  unsigned queues_in_use_ = 1;
  bool packed_ = false;
  bool tells_place_ = false;  // a doorbell has more than the queue's name in it
  bool tells_name_ = false;   // and the device says what that name is
};

}  // namespace ringside::fuzz
