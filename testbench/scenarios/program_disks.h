// The steps of a program that go through the driver's request API: up to kMostDisks disks, and the requests in flight
// on them.
#pragma once

#include <cstdint>

#include "testbench/scenarios/context.h"
#include "testbench/scenarios/program.h"
#include "testbench/scenarios/program_report.h"

namespace ringside::scenarios {

// What an `open` step says, and what a step of a request asks for.
[[nodiscard]] block::Options options_of(const Step& step);
[[nodiscard]] block::Operation operation_of(Op op);

class ProgramDisks {
 public:
  ProgramDisks(Context& context, StepReport& report) : context_(context), report_(report) {}
  ProgramDisks(const ProgramDisks&) = delete;
  ProgramDisks& operator=(const ProgramDisks&) = delete;

  // False when there is no memory for its bookkeeping.
  [[nodiscard]] bool init();

  void open(const Step& step);
  void shutdown(const Step& step);
  void request(const Step& step);  // read .. secure_erase
  void submit(const Step& step);
  void wait(const Step& step);
  void poll(const Step& step);
  void finish(const Step& step);
  void set_write_cache(const Step& step);
  void reset_queue(const Step& step);
  void info(const Step& step);
  void counters(const Step& step);

  // Every disk that a program leaves open.
  void shutdown_all();

 private:
  static constexpr unsigned kMostFlights = 256;
  static constexpr unsigned kMostPieces = 64;

  // One request from its step to its check.
  struct Flight {
    enum class State : std::uint8_t { free, collected, sent };
    State state;
    std::uint8_t disk;
    std::uint32_t number;  // its step
    const Step* step;
    hal::DmaBuffer buffer;
    std::uint8_t* data;
    std::uint32_t size;
    block::Request request;
    block::Segment pieces[kMostPieces];
  };

  [[nodiscard]] block::BlockDevice* disk_of(std::uint64_t number);
  [[nodiscard]] Flight* prepare(const Step& step);
  [[nodiscard]] bool give_data(const Step& step, Flight& flight);
  void cut(Flight& flight, std::uint64_t pieces);
  void settle(Flight& flight);
  void check_contents(const Flight& flight);
  void send_collected(std::uint64_t disk);
  void send_some(block::BlockDevice& disk, Flight** flights, unsigned count);
  // Of this disk in this state, in the order of their steps.
  unsigned gather(std::uint64_t disk, Flight::State state, Flight** flights);
  void finish_disk(std::uint64_t disk);
  void shut_down(std::uint64_t disk);
  [[nodiscard]] bool as_expected(std::uint64_t expected, block::Status status);

  Context& context_;
  StepReport& report_;
  block::BlockDevice* disks_[kMostDisks] = {};
  bool may_be_down_[kMostDisks] = {};  // its open step expects that, and so do those that follow
  Flight* flights_ = nullptr;          // private memory
  Flight** gathered_ = nullptr;        // likewise: scratch of gather()
};

}  // namespace ringside::scenarios
