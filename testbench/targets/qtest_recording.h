// What a run does to a QEMU, as steps that can be done again without the bench: qtest commands, the memory that the
// driver wrote before them, and the memory that the device is waited for to write.
//
// Nobody says who wrote a byte of RAM, so the recording makes it known by when: after each command to a device it gives
// QEMU time to do what it will do, and what has changed then, or while the driver waits, was the device.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "testbench/targets/dma_arena.h"

namespace ringside::targets {

struct QtestStep {
  enum class Kind : std::uint8_t {
    write,   // a command that writes a register
    read,    // one that reads `value`, the last of several when they follow one another
    memory,  // the driver writes `bytes`
    await,   // the device has written `bytes`, soon
  };
  Kind kind;
  std::string command;  // "outl", "readb"
  std::uint64_t address = 0;
  std::uint64_t value = 0;
  std::vector<std::uint8_t> bytes;
};

class QtestRecording {
 public:
  // Of a machine that has just been powered on; both outlive the recording's use.
  void attach(const std::uint8_t* ram, const DmaArena& arena);

  void before_command();
  void wrote(std::string_view command, std::uint64_t address, std::uint64_t value);
  void read(std::string_view command, std::uint64_t address, std::uint64_t value);
  void before_wait();
  void after_wait();
  // The run is over, and its memory still there.
  void close();

  [[nodiscard]] const std::vector<QtestStep>& steps() const { return steps_; }

 private:
  void note_driver();
  void note_device();
  void flush_device();
  void settle();

  const std::uint8_t* ram_ = nullptr;
  const DmaArena* arena_ = nullptr;
  std::vector<std::uint8_t> known_;                 // of RAM from kArenaBase on, as last seen
  std::map<std::uint64_t, std::uint8_t> expected_;  // what the device wrote, and no step says yet
  std::vector<QtestStep> steps_;
};

}  // namespace ringside::targets
