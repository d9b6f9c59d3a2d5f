// What must hold within one log, whatever the other world did: the ordered and the invariant class.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "testbench/trace/record.h"

namespace ringside::trace {

enum class EventClass : std::uint8_t { exact, ordered, invariant };
[[nodiscard]] const char* to_string(EventClass event_class);

enum class Rule : std::uint8_t {
  // Ordered
  completes_once,     // a used element names a chain that is in flight
  completes_at_all,   // nothing is in flight for ever
  used_index_rises,   // and never past what was published
  in_order,           // with VIRTIO_F_IN_ORDER, completions keep the order of publication
  isr_names_cause,    // a line interrupt shows in the ISR register
  interrupt_follows,  // an unsuppressed completion shows itself by an interrupt
  // Invariant
  used_length_bounded,  // a device claims no more than it was given to write
  guards_intact,        // and writes nowhere else
  time_rises,
  doorbell_follows_publish,
  doorbell_names_queue,  // with the width and the value of the specification
  available_index_rises,
};
inline constexpr std::size_t kRuleCount = 12;

struct RuleSummary {
  Rule rule;
  EventClass event_class;
  const char* clause;  // of the list of VIRTIO's requirements; "" where no single one fits
  const char* says;    // the rule, as a sentence
};
[[nodiscard]] const RuleSummary& summary_of(Rule rule);

// The first time that a rule was broken.
struct Violation {
  Rule rule = Rule::completes_once;
  std::size_t index = 0;  // of the record that shows it
  std::uint64_t count = 1;
  const char* clause = "";
};

struct RuleReport {
  std::uint64_t ordered = 0;  // events that were checked in each class
  std::uint64_t invariant = 0;
  std::vector<Violation> violations;  // at most one per rule

  [[nodiscard]] const Violation* find(Rule rule) const;
};

[[nodiscard]] RuleReport check_rules(const std::vector<Record>& log);

}  // namespace ringside::trace
