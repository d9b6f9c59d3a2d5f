// An ATA disk at its cable: the command block registers, programmed I/O, and the few commands that a driver without DMA
// needs. LBA only. Interrupts are not modelled: a driver of this disk polls.
//
// A command keeps BSY set for as long as its medium takes; time is looked at when a register is read.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "model/clock.h"
#include "model/latencies.h"
#include "model/storage.h"

namespace ringside::model {

struct IdeDisk {
  Storage* storage = nullptr;
  std::uint64_t sectors = 0;
  std::string serial;
};

class AtaDrive {
 public:
  // Without storage there is no drive, and its registers read as 0: the cable's pull-downs.
  void power_on(const IdeDisk& disk, const Latencies& latencies);
  [[nodiscard]] bool present() const { return disk_.storage != nullptr; }

  // Offsets 1 .. 7 of the command block; status at 7.
  [[nodiscard]] std::uint8_t read(unsigned offset, Picoseconds at);
  void write(unsigned offset, std::uint8_t value, Picoseconds at);
  [[nodiscard]] std::uint16_t read_data(Picoseconds at);
  void write_data(std::uint16_t value, Picoseconds at);
  void write_control(std::uint8_t value);
  [[nodiscard]] std::uint8_t status(Picoseconds at) const;

 private:
  static constexpr std::uint32_t kSectorBytes = 512;

  enum class Transfer : std::uint8_t { none, to_host, from_host };

  void reset();
  void execute(std::uint8_t command, Picoseconds at);
  void begin_transfer(Transfer transfer, bool wide, Picoseconds at);
  void next_sector(Picoseconds at);
  void load_sector();
  void store_sector(Picoseconds at);
  void identify();
  void fail(std::uint8_t error);
  [[nodiscard]] std::uint64_t address(bool wide) const;
  [[nodiscard]] std::uint32_t count(bool wide) const;
  void busy_for(std::uint64_t nanoseconds, Picoseconds at);

  IdeDisk disk_;
  Latencies latencies_;

  // What was written last and, for the 48-bit commands, before that.
  struct Deep {
    std::uint8_t now = 0;
    std::uint8_t before = 0;
  };
  std::array<Deep, 8> registers_{};  // by offset; SECTOR_COUNT .. LBA_HIGH matter
  std::uint8_t device_ = 0;
  std::uint8_t error_ = 0;
  std::uint8_t status_ = 0;  // without BSY
  bool in_reset_ = false;
  Picoseconds busy_until_ = 0;

  Transfer transfer_ = Transfer::none;
  std::uint64_t sector_ = 0;
  std::uint32_t sectors_left_ = 0;  // the one in the buffer among them
  std::array<std::uint8_t, kSectorBytes> buffer_{};
  std::uint32_t position_ = 0;
};

}  // namespace ringside::model
