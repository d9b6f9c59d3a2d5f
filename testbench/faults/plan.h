// A fault plan: a TOML file that says what goes wrong, and when. A fault is named by a logical event, never by a time,
// so that a plan means the same on every target and survives a change of the driver's speed.
//
//   [[fault]]
//   on = "doorbell"      # a kind of record, as the driver-side tap emits it
//   nth = 3              # the third of them; 1 when it is not said
//   queue = 0            # of a record that has one, and of the rings that the action touches; 0
//   unit = 0             # which block device, in the order of discovery; 0
//   action = "removed"   # what happens then at the hardware interface, see Action
//   value = 0            # for the actions that take one
//   name = "gone"        # reports count under it; the action when it is not said
//
// What must be survivable: the driver reports errors and recovers or gives the device up. It never hangs, never reaches
// outside its memory, and never takes wrong data for right unless the value given is one it cannot tell from a right
// one (a used id of another request in flight).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "testbench/trace/event.h"
#include "testbench/trace/file_error.h"
#include "testbench/trace/record.h"

namespace ringside::faults {

enum class Action : std::uint8_t {
  removed,             // the function is gone for good: reads are all-ones, writes and DMA are lost
  lost_doorbell,       // the next one does not reach the device
  lost_interrupt,      // the next interrupt is not seen
  spurious_interrupt,  // the next wait ends at once, with nothing done
  status_all_ones,     // the next read of device_status gives 0xff
  needs_reset,         // DEVICE_NEEDS_RESET and a configuration interrupt, and no doorbell counts, until the reset
  used_id,             // the newest used element names `value`
  used_length,         // its length is `value`
  used_index,          // used.idx is ahead by `value`, at the next look
  status_byte,         // the status byte of the request in the newest used element is `value`
};

// For `ringside list`, and for what a plan may say.
struct ActionSummary {
  Action action;
  const char* name;  // as in a plan
  const char* summary;
  bool takes_value = false;
  std::uint64_t least = 0;  // of the value
  std::uint64_t most = 0;
};
[[nodiscard]] std::span<const ActionSummary> all_actions();
[[nodiscard]] const ActionSummary& summary_of(Action action);

// The event that it waits for, and what happens then.
struct Fault : trace::Event {
  std::string name;
  Action action = Action::removed;
  std::uint32_t value = 0;
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

}  // namespace ringside::faults
