// Stamps records with the time and passes them on: a machine's, or one that somebody else keeps.
#pragma once

#include <cstdint>
#include <string_view>

#include "driver/hal/machine.h"
#include "testbench/trace/record.h"
#include "testbench/trace/text.h"

namespace ringside::trace {

class Recorder {
 public:
  Recorder(hal::Machine& clock, Sink& sink) : clock_(&clock), sink_(sink) {}
  Recorder(const std::uint64_t& time, Sink& sink) : time_(&time), sink_(sink) {}

  void put(Record& record) {
    record.time = time_ != nullptr ? *time_ : clock_->now();
    last_ = record.kind;
    sink_.append(record);
  }
  void put(Record&& record) { put(record); }

  void put_text(Tap tap, std::string_view text) {
    split_text(text, [&](Record piece) {
      piece.tap = tap;
      put(piece);
    });
  }

  // All that follows happens at this time, which is asked for once; until let_go().
  void hold_time() {
    held_ = clock_->now();
    time_ = &held_;
  }
  void let_go() { time_ = nullptr; }

  [[nodiscard]] Kind last() const { return last_; }

 private:
  hal::Machine* clock_ = nullptr;
  const std::uint64_t* time_ = nullptr;  // where there is no such machine, or it is held
  std::uint64_t held_ = 0;
  Sink& sink_;
  Kind last_ = Kind::none;
};

[[nodiscard]] inline Record driver_record(Kind kind, std::uint8_t unit = 0, std::uint16_t queue = 0) {
  Record record;
  record.kind = kind;
  record.tap = Tap::driver;
  record.unit = unit;
  record.queue = queue;
  return record;
}

}  // namespace ringside::trace
