// The device-side tap of the model: turns what the devices do into records, and merges them with the records of the
// driver's side in order of time. A device acts ahead of the CPU's clock (a doorbell fetches requests at once, at times
// that the CPU reaches later), so its records wait until the driver's side has come that far.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "model/tap.h"
#include "testbench/trace/kind_set.h"
#include "testbench/trace/record.h"

namespace ringside::targets {

class ModelRecorder final : public trace::Sink {
 public:
  // Of the devices' records those of `wanted` kinds are made.
  explicit ModelRecorder(trace::Sink& sink, const trace::KindSet& wanted = trace::KindSet::all())
      : sink_(sink), wanted_(wanted) {}
  ModelRecorder(const ModelRecorder&) = delete;
  ModelRecorder& operator=(const ModelRecorder&) = delete;

  // What watches the disk that the driver's side of the log calls `unit`, and what watches everything but the disks.
  // They live as long as the recorder.
  [[nodiscard]] model::Tap& disk(std::uint8_t unit);
  [[nodiscard]] model::Tap& board() { return disk(0); }

  // From the driver's side and the bench.
  void append(const trace::Record& record) override;
  void append_all(std::span<const trace::Record> records) override;
  // Passes on what waits and is not later: whoever has no driver's side says how far time has come.
  void pass_on_until(std::uint64_t time) {
    if (next_ <= time) {
      pass_on_waiting(time);
    }
  }
  // Passes on what waits. At the end of a run.
  void finish();

 private:
  class UnitTap final : public model::Tap {
   public:
    UnitTap(ModelRecorder& recorder, std::uint8_t unit) : recorder_(recorder), unit_(unit) {}
    [[nodiscard]] std::uint8_t unit() const { return unit_; }

    void config_access(model::Picoseconds at, std::uint16_t function, const model::Access& access) override;
    void register_access(model::Picoseconds at, model::Structure structure, const model::Access& access) override;
    void dma(model::Picoseconds at, std::uint64_t address, std::uint64_t bytes, bool write,
             model::DmaFailure failure) override;
    void doorbell(model::Picoseconds at, std::uint16_t queue, std::uint32_t value) override;
    void fetch(model::Picoseconds at, const model::FetchedRequest& request) override;
    void media(model::Picoseconds at, std::uint64_t sector, std::uint64_t bytes, bool write,
               model::Picoseconds duration) override;
    void complete(model::Picoseconds at, std::uint16_t queue, std::uint32_t ordinal, std::uint8_t status,
                  std::uint32_t used_length) override;
    void used(model::Picoseconds at, std::uint16_t queue, std::uint16_t index) override;
    void msi(model::Picoseconds at, std::uint16_t vector) override;
    void intx(model::Picoseconds at, bool level) override;
    void status(model::Picoseconds at, std::uint8_t status) override;
    void quirk(model::Picoseconds at, unsigned quirk) override;

   private:
    [[nodiscard]] trace::Record& add(model::Picoseconds at, trace::Kind kind);
    void add_access(model::Picoseconds at, trace::Kind kind, std::uint32_t region, const model::Access& access);

    ModelRecorder& recorder_;
    std::uint8_t unit_;
  };

  static constexpr std::uint64_t kNothing = ~std::uint64_t{0};

  struct Waiting {
    trace::Record record;
    std::uint64_t sequence;
    // What happened at the same time goes on in the order in which it was told.
    [[nodiscard]] bool is_before(const Waiting& other) const {
      return record.time != other.record.time ? record.time < other.record.time : sequence < other.sequence;
    }
  };
  // Records in the order of their time, from the next one to go on.
  struct Lane {
    std::vector<Waiting> records;
    std::size_t next = 0;
    [[nodiscard]] bool empty() const { return next == records.size(); }
    [[nodiscard]] const Waiting& front() const { return records[next]; }
  };

  // A record that waits, to be filled in where it lies: every copy of one that was just written costs as much as
  // making it.
  [[nodiscard]] trace::Record& add(std::uint64_t time);
  [[nodiscard]] Lane& lane_for(std::uint64_t time);
  // The lane whose front comes next, and the one whose front comes after that; null when nothing waits.
  struct Turn {
    Lane* lane = nullptr;
    Lane* next = nullptr;
  };
  [[nodiscard]] Turn whose_turn();
  void pass_on_waiting(std::uint64_t time);
  void pass_on(const trace::Record& record);

  trace::Sink& sink_;
  const trace::KindSet wanted_;
  trace::Record unwanted_;    // filled in, and read by nobody
  std::deque<UnitTap> taps_;  // stay where they are as it grows
  // A device is ahead of itself: it fetches what a doorbell announces before it finishes what went before. Each of
  // these is told in order, so that few lanes hold all that waits, and nothing has to be sorted.
  std::vector<Lane> lanes_;
  std::uint64_t sequence_ = 0;  // of records that came to wait
  std::uint64_t taken_ = 0;     // of those that wait no longer
  std::uint64_t last_ = 0;
  std::uint64_t next_ = kNothing;  // no record that waits is earlier
};

}  // namespace ringside::targets
