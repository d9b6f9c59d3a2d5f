// Whether two runs of one scenario are the same. Three classes of events:
//
//   exact      what the driver saw and did: configuration space, registers, features, status, checks, each request and
//              each completion, the disk at the end. Compared one by one.
//   ordered    completions may be permuted where nothing orders them. What does: cause (a driver that waits before it
//              sends the next one), VIRTIO_F_IN_ORDER, a reset. A flush orders nothing by itself: it covers what had
//              completed before it was sent (VIRTIO 1.2, 5.2.6.2). So how much was in flight then is compared, where
//              one side followed the other's completions; where both ran freely, that is timing.
//   invariant  what each log must keep on its own account: bounds, guards, time.
//
// A rule of the latter two that both worlds break in the same place is no difference between them; monitors judge that.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "testbench/trace/record.h"
#include "testbench/trace/rules.h"
#include "testbench/trace/waivers.h"

namespace ringside::trace {

struct Side {
  std::string name;      // "model", "qemu"
  std::string identity;  // binary, version and machine
  const std::vector<Record>& log;
  bool follows = false;  // its completions came when the other side's did
};

// One event of a report.
struct Sighting {
  bool present = false;  // false: the other side had it, this one did not
  std::size_t index = 0;
  std::uint64_t time = 0;
  std::string text;
};

struct FieldDifference {
  std::string field;
  std::string left;
  std::string right;
};

struct Divergence {
  EventClass event_class = EventClass::exact;
  std::string clause;                                 // "" where no requirement of VIRTIO fits
  std::string what;                                   // one sentence
  std::string lane;                                   // "control", "requests of queue 0.0", ...
  std::vector<std::pair<Sighting, Sighting>> agreed;  // the last ones before it, oldest first
  Sighting left;
  Sighting right;
  std::vector<FieldDifference> fields;
  std::uint64_t followers = 0;  // differences after it, not reported
};

struct Counts {
  std::uint64_t exact = 0;
  std::uint64_t ordered = 0;
  std::uint64_t invariant = 0;
};

enum class Verdict : std::uint8_t { agree, diverge, error };

struct Comparison {
  Verdict verdict = Verdict::agree;
  std::string reason;  // of an error
  std::string scenario;
  std::string left_name, right_name;
  Counts compared;  // exact: pairs; ordered and invariant: the smaller of both sides
  Counts left;
  Counts right;
  std::uint64_t waived = 0;
  std::uint64_t inner = 0;          // of the exact ones, those of what a device keeps to itself
  std::uint64_t inner_skipped = 0;  // told by one side only
  std::optional<Divergence> divergence;
};

[[nodiscard]] Comparison compare(const Side& left, const Side& right, const std::string& scenario, Waivers& waivers);

// At most this many lines, without the one that reproduces it.
inline constexpr std::size_t kReportLines = 24;
// For people; empty when they agree. `reproduce` is the command that shows it again.
[[nodiscard]] std::string render(const Comparison& comparison, const std::string& reproduce);

}  // namespace ringside::trace
