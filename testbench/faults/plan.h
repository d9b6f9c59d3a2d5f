// A fault plan: a TOML file that says what goes wrong, and when. A fault is named by a logical event, never by a time,
// so that a plan means the same on every target and survives a change of the driver's speed.
//
//   [[fault]]
//   on = "doorbell"      # a kind of record, as the driver-side tap emits it
//   nth = 3              # the third of them; 1 when it is not said
//   queue = 0            # of a record that has one, and of the rings that the action touches; 0
//   unit = 0             # which block device, in the order of discovery; 0
//   action = "removed"   # what happens then: action.cpp has all, `ringside list --faults` shows them
//   value = 0            # for the actions that take one
//   times = 1            # at so many opportunities in a row, of what happens inside the model's device or to its media
//   sector = 8           # media: only requests that touch it; any
//   request = "read"     # media: only these, read, write or flush; any
//   name = "gone"        # reports count under it; the action when it is not said
//
// What must be survivable: the driver reports errors and recovers or gives the device up. It never hangs, never reaches
// outside its memory, and never takes wrong data for right unless the value given is one it cannot tell from a right
// one (a used id of another request in flight).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "testbench/faults/action.h"
#include "testbench/trace/event.h"
#include "testbench/trace/file_error.h"
#include "testbench/trace/record.h"

namespace ringside::faults {

enum class RequestKind : std::uint8_t { any, read, write, flush };

// The event that it waits for, and what happens then.
struct Fault : trace::Event {
  std::string name;
  Action action = Action::removed;
  std::uint32_t value = 0;
  std::uint32_t times = 1;
  std::optional<std::uint64_t> sector;
  RequestKind request = RequestKind::any;
};

struct Plan {
  std::string path;
  std::vector<Fault> faults;  // at least one
};

// What became of the faults of one name.
struct FaultCount {
  std::string name;
  std::uint64_t planned = 0;
  std::uint64_t fired = 0;
};

// The kinds of record that an event may be named by: what the driver-side tap records on every traced run.
[[nodiscard]] std::span<const trace::Kind> trigger_kinds();
inline constexpr std::uint64_t kMostNth = 1'000'000'000;

// Throw trace::FileError: one line with file, line, and what was expected there.
[[nodiscard]] Plan load_plan(const std::string& path);
[[nodiscard]] Plan parse_plan(const std::string& text, const std::string& path);
// The same plan again.
[[nodiscard]] std::string to_toml(const Plan& plan);

// Why the plan cannot happen on that target, one of kOnModel and kOnQemu; empty when it can.
[[nodiscard]] std::string gap_on(unsigned target, const Plan& plan);
// The union of what its actions may do, of the bits kDeceives, kStrays, kEndsRun.
[[nodiscard]] unsigned harm_of(const Plan& plan);

}  // namespace ringside::faults
