// A disk on a PC's legacy IDE ports, by programmed I/O: the CPU moves every word. What a machine boots from when it has
// no virtio disk that works.
//
// Never waits inside poll(): each call looks at the status once or moves the sectors that are ready. Interrupts stay
// off; every command has a deadline, after which the channel is reset.
#pragma once

#include <cstdint>

#include "driver/block/segment_cursor.h"
#include "driver/block/soft_device.h"
#include "driver/hal/machine.h"

namespace ringside::block {

// Where a drive is: the ports of its channel, and which of the two drives on the cable.
struct AtaPlace {
  std::uint16_t command_ports = 0;
  std::uint16_t control_port = 0;
  bool second = false;
};

class AtaDisk final : public SoftDevice {
 public:
  // The first drive on the two legacy channels, in private memory; null, with the reason on the log.
  [[nodiscard]] static AtaDisk* open(hal::Machine& machine);

  [[nodiscard]] bool write_cache() override { return true; }  // until told otherwise, a drive has one

 private:
  enum class Phase : std::uint8_t { idle, reading, writing, finishing };

  AtaDisk(hal::Machine& machine, const AtaPlace& place) : SoftDevice(machine), place_(place) {}

  [[nodiscard]] bool identify();
  [[nodiscard]] bool understand(const std::uint16_t* words);
  [[nodiscard]] bool present() const;
  void select(std::uint8_t device_bits) const;
  void settle() const;
  [[nodiscard]] bool wait_while_busy(std::uint64_t deadline) const;

  [[nodiscard]] Status begin(Request& request, std::uint64_t deadline) override;
  [[nodiscard]] Status advance(Request& request) override;
  void stop() override;

  void next_command();
  void issue(std::uint8_t command) const;
  void address_28(std::uint64_t sector, std::uint32_t count) const;
  void address_48(std::uint64_t sector, std::uint32_t count) const;
  void read_words(std::uint16_t* words, unsigned count) const;
  void write_words(const std::uint16_t* words, unsigned count) const;
  void move_sector();
  [[nodiscard]] Status failure(std::uint8_t status, Operation operation) const;
  [[nodiscard]] Status give_up();
  [[nodiscard]] bool reset_channel();
  void copy_id(Request& request) const;

  [[nodiscard]] std::uint8_t status() const { return machine_.in8(port(7)); }
  [[nodiscard]] std::uint8_t alternate_status() const { return machine_.in8(place_.control_port); }
  [[nodiscard]] std::uint16_t port(std::uint16_t offset) const {
    return static_cast<std::uint16_t>(place_.command_ports + offset);
  }
  void out(std::uint16_t offset, std::uint64_t value) const {
    machine_.out8(port(offset), static_cast<std::uint8_t>(value));
  }

  AtaPlace place_;
  std::uint8_t serial_[kIdSize] = {};
  bool lba48_ = false;
  bool flush_ext_ = false;
  bool dead_ = false;  // did not come back from a reset

  // The request that has begun.
  Phase phase_ = Phase::idle;
  bool write_ = false;
  SegmentCursor data_;
  std::uint64_t sector_ = 0;        // of the next command
  std::uint64_t sectors_left_ = 0;  // after the current command
  std::uint32_t in_command_ = 0;    // sectors that it has still to move
  std::uint64_t deadline_ = 0;
};

}  // namespace ringside::block
