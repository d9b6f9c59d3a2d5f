// Where a hostile driver meets the model: machines with one disk, powered on for each input, with what watches the
// device from behind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "driver/hal/machine.h"
#include "model/board.h"
#include "testbench/fuzz/bare_disk.h"
#include "testbench/fuzz/reached.h"

namespace ringside::fuzz {

class ModelGround {
 public:
  static constexpr std::uint64_t kSectors = 128;
  static constexpr unsigned kMachines = 8;

  // `machine` is one of kMachines. What the device carries out is added to `reached`.
  ModelGround(unsigned machine, Reached& reached);

  // From power-on. The program runs on the machine's CPU, in simulated time.
  void run(const std::function<void(hal::Machine&)>& program);

  [[nodiscard]] const Slot& slot() const { return slot_; }
  [[nodiscard]] model::Board& board();
  [[nodiscard]] const std::uint8_t* contents() const { return contents_.data(); }

  // The end of every input: whatever was done to it, the disk that is placed, reset and brought up anew works. Neither
  // reset nor bring-up leave anything of what came before.
  void expect_it_works(BareDisk& disk);

 private:
  Slot slot_;
  Reached& reached_;
  model::PowerOn power_on_;
  std::vector<std::uint8_t> contents_;
};

}  // namespace ringside::fuzz
