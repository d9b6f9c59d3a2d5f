// Stamps records with the time and passes them on: a machine's, or one that somebody else keeps.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "driver/hal/machine.h"
#include "testbench/trace/copy_fresh.h"
#include "testbench/trace/record.h"
#include "testbench/trace/text.h"

namespace ringside::trace {

[[nodiscard]] inline Record driver_record(Kind kind, std::uint8_t unit = 0, std::uint16_t queue = 0) {
  Record record;
  record.kind = kind;
  record.tap = Tap::driver;
  record.unit = unit;
  record.queue = queue;
  return record;
}

class Recorder {
 public:
  Recorder(hal::Machine& clock, Sink& sink) : clock_(&clock), sink_(sink) {}
  Recorder(const std::uint64_t& time, Sink& sink) : time_(&time), sink_(sink) {}

  // A record of the driver's side, to be filled in where it lies; put_next() puts it, and nothing else is put before.
  [[nodiscard]] Record& next(Kind kind, std::uint8_t unit, std::uint16_t queue) {
    return together_[count_] = driver_record(kind, unit, queue);
  }
  void put_next() {
    Record& record = together_[count_];
    stamp(record);
    if (!keeps_) {
      sink_.append(record);
    } else if (++count_ == together_.size()) {
      pass_on();
    }
  }

  void put(Record& record) {
    if (keeps_) {
      copy_fresh(together_[count_], record);
      put_next();
      return;
    }
    stamp(record);
    sink_.append(record);
  }
  void put(Record&& record) { put(record); }

  void put_text(Tap tap, std::string_view text) {
    split_text(text, [&](Record piece) {
      piece.tap = tap;
      put(piece);
    });
  }

  // All that is put in its lifetime happens at one time, which is asked for once, and is passed on
  // together.
  class Moment {
   public:
    explicit Moment(Recorder& recorder) : recorder_(recorder), now_(recorder.clock_->now()) {
      recorder_.time_ = &now_;
      recorder_.keeps_ = true;
    }
    // What takes the records may throw.
    ~Moment() noexcept(false) {
      recorder_.time_ = nullptr;
      recorder_.keeps_ = false;
      recorder_.pass_on();
    }
    Moment(const Moment&) = delete;
    Moment& operator=(const Moment&) = delete;

   private:
    Recorder& recorder_;
    const std::uint64_t now_;
  };

  [[nodiscard]] Kind last() const { return last_; }

 private:
  static constexpr std::size_t kTogether = 96;  // a look that finds 32 requests used and as many published has 67

  void stamp(Record& record) {
    record.time = time_ != nullptr ? *time_ : clock_->now();
    last_ = record.kind;
  }
  void pass_on() {
    if (const std::size_t count = std::exchange(count_, 0); count != 0) {
      sink_.append_all(std::span(together_.data(), count));
    }
  }

  hal::Machine* clock_ = nullptr;
  const std::uint64_t* time_ = nullptr;  // where there is no such machine, or of a moment
  Sink& sink_;
  Kind last_ = Kind::none;
  bool keeps_ = false;
  std::size_t count_ = 0;  // of those kept
  std::array<Record, kTogether> together_;
};

}  // namespace ringside::trace
