#include "testbench/targets/qtest_recording.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace ringside::targets {
namespace {

// As long as QEMU may take for what a register write starts, on a machine that is busy with other things.
constexpr std::chrono::milliseconds kSettle{20};

// Configuration space has no effect on memory, and most commands of a run are looks at it.
bool configuration(std::string_view command, std::uint64_t address) {
  constexpr std::uint64_t kFirst = 0xcf8;
  constexpr std::uint64_t kLast = 0xcff;
  return command.starts_with("out") && address >= kFirst && address <= kLast;
}

// Adds bytes that follow one another to one step.
class Ranges {
 public:
  Ranges(QtestStep::Kind kind, std::vector<QtestStep>& steps) : kind_(kind), steps_(steps) {}
  void add(std::uint64_t address, std::uint8_t byte) {
    if (open_ == nullptr || address != open_->address + open_->bytes.size()) {
      open_ = &steps_.emplace_back(QtestStep{kind_, {}, address, 0, {}});
    }
    open_->bytes.push_back(byte);
  }

 private:
  QtestStep::Kind kind_;
  std::vector<QtestStep>& steps_;
  QtestStep* open_ = nullptr;
};

}  // namespace

void QtestRecording::attach(const std::uint8_t* ram, const DmaArena& arena) {
  ram_ = ram;
  arena_ = &arena;
}

void QtestRecording::before_command() {
  flush_device();
  note_driver();
}

void QtestRecording::wrote(std::string_view command, std::uint64_t address, std::uint64_t value) {
  steps_.push_back({QtestStep::Kind::write, std::string(command), address, value, {}});
  if (!configuration(command, address)) {
    settle();
  }
}

// A register that is read until it changes is read once: whoever repeats the steps waits for the last value.
void QtestRecording::read(std::string_view command, std::uint64_t address, std::uint64_t value) {
  if (!steps_.empty() && steps_.back().kind == QtestStep::Kind::read && steps_.back().command == command &&
      steps_.back().address == address) {
    steps_.back().value = value;
    return;
  }
  steps_.push_back({QtestStep::Kind::read, std::string(command), address, value, {}});
}

void QtestRecording::before_wait() { note_driver(); }

void QtestRecording::after_wait() { note_device(); }

void QtestRecording::close() {
  settle();
  flush_device();
}

void QtestRecording::settle() {
  std::this_thread::sleep_for(kSettle);
  note_device();
}

void QtestRecording::note_driver() {
  known_.resize(arena_->high_water() - kArenaBase);
  const std::uint8_t* const now = ram_ + kArenaBase;
  if (std::equal(known_.begin(), known_.end(), now)) {
    return;
  }
  flush_device();
  Ranges ranges(QtestStep::Kind::memory, steps_);
  for (std::size_t i = 0; i < known_.size(); ++i) {
    if (known_[i] != now[i]) {
      known_[i] = now[i];
      ranges.add(kArenaBase + i, known_[i]);
    }
  }
}

void QtestRecording::note_device() {
  const std::uint8_t* const now = ram_ + kArenaBase;
  for (std::size_t i = 0; i < known_.size(); ++i) {
    if (known_[i] != now[i]) {
      known_[i] = now[i];
      expected_[kArenaBase + i] = known_[i];
    }
  }
}

void QtestRecording::flush_device() {
  Ranges ranges(QtestStep::Kind::await, steps_);
  for (const auto& [address, byte] : std::exchange(expected_, {})) {
    ranges.add(address, byte);
  }
}

}  // namespace ringside::targets
