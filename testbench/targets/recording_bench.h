// The bench's records of a run, and the bench that a scenario sees, which makes them. The same on every target, and on
// a bare CPU.
#pragma once

#include <string>
#include <string_view>

#include "driver/hal/machine.h"
#include "testbench/scenarios/context.h"
#include "testbench/targets/run_hooks.h"
#include "testbench/trace/driver_tap.h"
#include "testbench/trace/record.h"

namespace ringside::targets {

// Without a tap nothing is recorded but checks.
class Journal {
 public:
  Journal(hal::Machine& machine, trace::Sink& sink, trace::DriverTap* tap)
      : machine_(machine), sink_(sink), tap_(tap) {}

  void record(const trace::Record& record);
  void record_named(const trace::Record& record, std::string_view name);
  void check(bool held, std::string_view name);

 private:
  hal::Machine& machine_;
  trace::Sink& sink_;
  trace::DriverTap* tap_;
};

[[nodiscard]] trace::Record bench_record(trace::Kind kind);

class RecordingBench final : public scenarios::Bench {
 public:
  RecordingBench(Journal& journal, RunHooks& hooks) : journal_(journal), hooks_(hooks) {}

  void check(bool held, const char* what) override;
  void observe(const char* what, std::uint64_t value) override;
  std::uint64_t ask(scenarios::Ask what, std::uint64_t argument) override;
  std::uint64_t hash(const void* data, std::size_t size) override;

  [[nodiscard]] const std::string& first_failure() const { return first_failure_; }

 private:
  Journal& journal_;
  RunHooks& hooks_;
  std::string first_failure_;
};

}  // namespace ringside::targets
