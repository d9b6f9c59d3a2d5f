// A place where the driver can run. One run is: power on, one scenario, power off, the log.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "testbench/faults/plan.h"
#include "testbench/scenarios/context.h"
#include "testbench/trace/event.h"
#include "testbench/trace/kind_set.h"
#include "testbench/trace/record.h"
#include "testbench/trace/schedule.h"

namespace ringside::targets {

// The input is wrong: exit status 2. One line that names what was wrong and what was expected.
struct InputError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
// This machine lacks something: exit status 3. Says what to install.
struct LackingError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// `name[,option=value...]`, as on the command line. An option without `=value` is "on"; a comma in a value is doubled.
struct TargetSpec {
  std::string name;
  std::map<std::string, std::string> options;
  // Throws InputError: what is no target, or no option of that target.
  [[nodiscard]] static TargetSpec parse(const std::string& text);
  [[nodiscard]] std::string text() const;
};

enum class Tracing : std::uint8_t {
  off,       // plain policy, no tap: nothing is recorded but checks
  requests,  // plain policy; of shared memory what a look from outside finds, see TapOptions; no payload hashes, and
             // nothing of the device's side. On the model alone
  events,    // every record of record.h but Kind::access
  accesses,  // Kind::access too
};

class QtestRecording;

// A gdb on a machine that is another process.
class RemoteDebugger {
 public:
  // Starts it. The machine waits before its first instruction, with its gdbstub at `socket`; `image` is the ELF file of
  // what it will run. Both are paths.
  virtual void attach(const std::string& socket, const std::string& image) = 0;
  [[nodiscard]] virtual bool ended() = 0;

 protected:
  ~RemoteDebugger() = default;
};
// The reason of a run that its debugger left before the end.
inline constexpr char kDebuggerLeft[] = "the debugger has left";

// A run in a debugger calls ringside_debug_stop() (trace/debug_stop.h) at an event or, when none is named, before the
// scenario; its real time has no limit.
struct Debugging {
  std::optional<trace::Event> event;
  RemoteDebugger* remote = nullptr;  // of the targets whose driver is not in this process, see TargetSummary
};

struct RunSettings {
  std::uint64_t seed = 1;
  std::string machine = "pc-i440fx-7.2";  // empty: what the scenario wants, see settings_for()
  std::vector<std::string> disks;         // paths of raw images, run on private copies; else generated ones
  std::vector<std::string> devices;       // --device: properties, one text for each disk
  // Of generated disks: their contents are always these, and are made once in a process. Else they follow from `seed`.
  std::optional<std::uint64_t> disk_seed;
  bool write_through = false;                 // write to the images themselves
  std::map<std::string, std::string> values;  // --set
  Tracing tracing = Tracing::events;
  // Of the device's side and of the disks' contents at the end, kinds that anybody looks at: a target may leave the
  // others out of a log that is not kept.
  trace::KindSet wanted = trace::KindSet::all();
  std::chrono::seconds timeout{60};         // see limit()
  const trace::Schedule* follow = nullptr;  // completions and looks as another run showed them (model only)
  const faults::Plan* faults = nullptr;     // what goes wrong; events are traced then even when tracing is off
  std::optional<Debugging> debugging;
  QtestRecording* recording = nullptr;  // of all that is done to QEMU (qemu only)

  // Of real time, for the whole run; none in a debugger.
  [[nodiscard]] std::optional<std::chrono::seconds> limit() const {
    return debugging ? std::nullopt : std::optional(timeout);
  }
};

enum class Outcome : std::uint8_t {
  held,     // every check held
  failed,   // a check did not
  skipped,  // cannot run on this target; `reason` says why
  error,    // the run did not finish: the target died, a deadline passed, the driver spun
};

struct QuirkHit {
  std::string name;
  std::string clause;
  std::uint64_t count = 0;
};

struct RunResult {
  Outcome outcome = Outcome::error;
  std::string reason;  // empty when held
  std::vector<QuirkHit> quirks;
  std::vector<faults::FaultCount> faults;  // a run with a plan of which nothing fired has failed
  double seconds = 0;                      // of real time
};

class Target {
 public:
  virtual ~Target() = default;
  // Binary, version and machine, as reports name them: "QEMU 7.2.22 (Debian ...) pc-i440fx-7.2".
  [[nodiscard]] virtual std::string identity() const = 0;
  // The set of known departures from the spec that the model has to share to agree with this target, by the name of
  // its origin ("qemu-7.2"); empty for a target that follows the spec.
  [[nodiscard]] virtual std::string quirks_of() const { return {}; }
  // Why this scenario cannot run here with these settings; empty when it can. Throws InputError when nothing could run
  // with them.
  [[nodiscard]] virtual std::string gap(const scenarios::Scenario& scenario, const RunSettings& settings) const = 0;
  // Skipped where there is a gap. Records go to `sink` as they happen. Never throws for what happens inside the run:
  // that is an outcome.
  [[nodiscard]] virtual RunResult run(const scenarios::Scenario& scenario, const RunSettings& settings,
                                      trace::Sink& sink) = 0;
};

// Throws InputError for an unknown target or option, LackingError when the target cannot run on this machine.
[[nodiscard]] std::unique_ptr<Target> make_target(const TargetSpec& spec, const RunSettings& settings);

// What `ringside list` says of each target.
struct TargetSummary {
  std::string name;
  std::string summary;
  std::vector<std::pair<std::string, std::string>> options;   // name, meaning
  std::vector<std::pair<std::string, std::string>> settings;  // of --set: key, meaning
  std::string missing;                                        // empty when it can run here
  bool debugged_remotely = false;                             // the driver is in another process
};
[[nodiscard]] std::vector<TargetSummary> all_targets();

}  // namespace ringside::targets
