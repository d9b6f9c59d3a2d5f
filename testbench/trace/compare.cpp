#include "testbench/trace/compare.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>

#include "testbench/trace/clauses.h"
#include "testbench/trace/fields.h"
#include "testbench/trace/lanes.h"
#include "testbench/trace/names.h"
#include "testbench/trace/text.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::trace {
namespace {

constexpr std::size_t kAgreedShown = 3;
constexpr std::size_t kLongestText = 200;
constexpr std::size_t kMostCandidates = 1000;  // the first of them is reported; the rest is a number

std::string described(const std::vector<Record>& log, std::size_t index) {
  std::string text = describe(log[index]);
  if (index + 1 < log.size() && log[index + 1].kind == Kind::text) {
    text += fmt::format(" \"{}\"", text_at(log, index + 1));
  }
  if (text.size() > kLongestText) {
    text.resize(kLongestText);
    text += "...";
  }
  // A log is outside input, and a report is a line per event.
  std::replace_if(
      text.begin(), text.end(), [](unsigned char byte) { return byte < 0x20 || byte == 0x7f; }, '?');
  return text;
}

Sighting sighting(const std::vector<Record>& log, std::size_t index) {
  return {true, index, log[index].time, described(log, index)};
}

// What a waiver may name: the register, the type of request.
std::string subject_of(const Record& record) {
  switch (record.kind) {
    case Kind::config_read:
    case Kind::config_write:
      return config_register_name(record.offset);
    case Kind::register_read:
    case Kind::register_write:
      return register_name(record.region, record.offset);
    case Kind::device_status:
      return "common.device_status";
    case Kind::request:
    case Kind::completion:
      return request_type_name(record.flags);
    case Kind::guard:
      return region_name(record.region, 0);
    default:
      return name_of(record.kind);
  }
}

// The contents of a buffer mean nothing after a request that failed: a device may have written part of it or nothing.
bool is_meaningless(const Field& field, const Record& left, const Record& right) {
  return left.kind == Kind::completion && std::string_view(field.name) == "payload" && left.value != VIRTIO_BLK_S_OK &&
         right.value != VIRTIO_BLK_S_OK;
}

class Comparer {
 public:
  Comparer(const Side& left, const Side& right, const std::string& scenario, Waivers& waivers)
      : left_(left), right_(right), scenario_(scenario), waivers_(waivers) {}

  Comparison compare() {
    const Lanes left = lanes_of(left_.log);
    const Lanes right = lanes_of(right_.log);
    compare_in_order("control", left.control, right.control);
    compare_queues(left, right);
    compare_timeouts(left.timeouts, right.timeouts);
    compare_rules(check_rules(left_.log), check_rules(right_.log));
    compare_inner(left, right);

    result_.scenario = scenario_;
    result_.left_name = left_.name;
    result_.right_name = right_.name;
    result_.left.exact = left.exact();
    result_.right.exact = right.exact();
    conclude();
    return std::move(result_);
  }

 private:
  // A difference that was found, before it is known which was the first.
  struct Candidate {
    EventClass event_class = EventClass::exact;
    std::string clause;
    std::string what;
    std::string lane;
    const LaneEvent* left = nullptr;
    const LaneEvent* right = nullptr;
    std::vector<const Field*> fields;
    std::vector<std::pair<std::size_t, std::size_t>> agreed;
  };

  // --- Exact

  void compare_in_order(const std::string& lane, const std::vector<LaneEvent>& left,
                        const std::vector<LaneEvent>& right) {
    const std::size_t common = std::min(left.size(), right.size());
    for (std::size_t i = 0; i < common; ++i) {
      ++result_.compared.exact;
      if (!compare_pair(lane, left, right, i)) {
        // Out of step: whatever comes after would be compared with the wrong partner.
        followers_ += std::max(left.size(), right.size()) - i - 1;
        return;
      }
    }
    if (left.size() != right.size()) {
      Candidate candidate = missing(lane, left.size() > common ? &left[common] : nullptr,
                                    right.size() > common ? &right[common] : nullptr);
      candidate.agreed = last_agreed(left, right, common);
      followers_ += std::max(left.size(), right.size()) - common - 1;
      add(std::move(candidate), false);
    }
  }

  // True when the lanes are still in step afterwards.
  bool compare_pair(const std::string& lane, const std::vector<LaneEvent>& left, const std::vector<LaneEvent>& right,
                    std::size_t at) {
    Candidate candidate;
    candidate.left = &left[at];
    candidate.right = &right[at];
    if (equal(candidate)) {
      matched_.emplace_back(right[at].index, left[at].index);
      return true;
    }
    const bool in_step = candidate.left->record->kind == candidate.right->record->kind &&
                         std::none_of(candidate.fields.begin(), candidate.fields.end(),
                                      [](const Field* field) { return field->identity; });
    candidate.lane = lane;
    candidate.agreed = last_agreed(left, right, at);
    // A waiver accepts another value, never a loss of step.
    return add(std::move(candidate), in_step) && in_step;
  }

  // Fills in what differs.
  [[nodiscard]] bool equal(Candidate& candidate) const {
    const Record& left = *candidate.left->record;
    const Record& right = *candidate.right->record;
    if (left.kind != right.kind) {
      candidate.what = fmt::format("{} on one side, {} on the other", name_of(left.kind), name_of(right.kind));
      return false;
    }
    for (const Field& field : exact_fields(left.kind)) {
      if (field.get(left) != field.get(right) && !is_meaningless(field, left, right)) {
        candidate.fields.push_back(&field);
      }
    }
    if (candidate.fields.empty()) {
      candidate.what = "the texts differ";
      return candidate.left->text == candidate.right->text;
    }
    const Field& first = *candidate.fields.front();
    candidate.what = fmt::format("{} of {} differs", first.name, subject_of(left));
    candidate.clause = clause_of(left, first.name);
    return false;
  }

  [[nodiscard]] Candidate missing(const std::string& lane, const LaneEvent* left, const LaneEvent* right) const {
    Candidate candidate;
    candidate.lane = lane;
    candidate.left = left;
    candidate.right = right;
    const Record& record = left != nullptr ? *left->record : *right->record;
    candidate.what =
        fmt::format("{} ({}) on {} only", name_of(record.kind), subject_of(record), left ? left_.name : right_.name);
    candidate.clause = clause_of(record, "");
    return candidate;
  }

  void compare_queues(const Lanes& left, const Lanes& right) {
    static const QueueLane kEmpty;
    std::map<QueueKey, std::pair<const QueueLane*, const QueueLane*>> queues;
    for (const auto& [key, lane] : left.queues) {
      queues[key] = {&lane, &kEmpty};
    }
    for (const auto& [key, lane] : right.queues) {
      auto& pair = queues.try_emplace(key, &kEmpty, &kEmpty).first->second;
      pair.second = &lane;
    }
    for (const auto& [key, pair] : queues) {
      const std::string name = fmt::format("queue {}.{} life {}", key.unit, key.queue, key.life);
      compare_in_order("requests of " + name, pair.first->requests, pair.second->requests);
      compare_completions("completions of " + name, *pair.first, *pair.second);
      if (left_.follows || right_.follows) {
        compare_flushes("requests of " + name, pair.first->flushes, pair.second->flushes);
      }
    }
  }

  void compare_flushes(const std::string& lane, const std::vector<FlushPoint>& left,
                       const std::vector<FlushPoint>& right) {
    for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
      ++result_.left.ordered;
      ++result_.right.ordered;
      if (left[i].in_flight != right[i].in_flight) {
        Candidate candidate;
        candidate.event_class = EventClass::ordered;
        candidate.lane = lane;
        candidate.left = &left[i].request;
        candidate.right = &right[i].request;
        candidate.what = fmt::format("a flush was sent while {} requests were in flight on one side, {} on the other",
                                     left[i].in_flight, right[i].in_flight);
        add(std::move(candidate));
      }
    }
  }

  // --- What no driver sees

  void compare_inner(const Lanes& left, const Lanes& right) {
    if (left.inner.empty() || right.inner.empty()) {
      result_.inner_skipped += inner_events(left) + inner_events(right);
      return;
    }
    for (const auto& [unit, states] : left.inner) {
      const auto other = right.inner.find(unit);
      const std::size_t common = other == right.inner.end() ? 0 : std::min(states.size(), other->second.size());
      for (std::size_t i = 0; i < common; ++i) {
        compare_inner_state(fmt::format("inner state of disk {}", unit), states[i], other->second[i]);
      }
    }
  }

  // That one side has more of them, the resets in the log of control have shown.
  void compare_inner_state(const std::string& lane, const InnerState& left, const InnerState& right) {
    compare_inner_event(lane, left.device, right.device);
    for (const auto& [queue, event] : left.queues) {
      const auto other = right.queues.find(queue);
      if (left.moving.contains(queue) || right.moving.contains(queue)) {
        continue;
      }
      if (other == right.queues.end()) {
        add(missing(lane, &event, nullptr));
      } else {
        compare_inner_event(lane, event, other->second);
      }
    }
    for (const auto& [queue, event] : right.queues) {
      if (!left.queues.contains(queue) && !right.moving.contains(queue)) {
        add(missing(lane, nullptr, &event));
      }
    }
  }

  void compare_inner_event(const std::string& lane, const LaneEvent& left, const LaneEvent& right) {
    Candidate candidate;
    candidate.left = &left;
    candidate.right = &right;
    candidate.lane = lane;
    ++result_.compared.exact;
    ++result_.inner;
    if (!equal(candidate)) {
      add(std::move(candidate));
    }
  }

  [[nodiscard]] static std::uint64_t inner_events(const Lanes& lanes) {
    std::uint64_t count = 0;
    for (const auto& [unit, states] : lanes.inner) {
      for (const InnerState& state : states) {
        count += 1 + state.queues.size();
      }
    }
    return count;
  }

  // Keyed by request: the order in which they come is free.
  void compare_completions(const std::string& lane, const QueueLane& left, const QueueLane& right) {
    for (const auto& [ordinal, event] : left.completions) {
      const auto other = right.completions.find(ordinal);
      if (other == right.completions.end()) {
        add_missing_completion(lane, &event, nullptr, right.cut);
        continue;
      }
      Candidate candidate;
      candidate.left = &event;
      candidate.right = &other->second;
      ++result_.compared.exact;
      if (equal(candidate)) {
        matched_.emplace_back(other->second.index, event.index);
      } else {
        candidate.lane = lane;
        add(std::move(candidate));
      }
    }
    for (const auto& [ordinal, event] : right.completions) {
      if (!left.completions.contains(ordinal)) {
        add_missing_completion(lane, nullptr, &event, left.cut);
      }
    }
  }

  void add_missing_completion(const std::string& lane, const LaneEvent* left, const LaneEvent* right, bool cut) {
    if (!cut) {
      add(missing(lane, left, right));
    }
  }

  // --- Ordered and invariant

  // A driver that is not woken in one world and is in the other.
  void compare_timeouts(const std::vector<LaneEvent>& left, const std::vector<LaneEvent>& right) {
    if (left.size() == right.size()) {
      return;
    }
    const std::size_t common = std::min(left.size(), right.size());
    Candidate candidate = missing("waits", left.size() > common ? &left[common] : nullptr,
                                  right.size() > common ? &right[common] : nullptr);
    candidate.event_class = EventClass::ordered;
    candidate.what = "a wait timed out on one side only: no interrupt came";
    followers_ += std::max(left.size(), right.size()) - common - 1;
    add(std::move(candidate));
  }

  void compare_rules(const RuleReport& left, const RuleReport& right) {
    result_.left.ordered += left.ordered;
    result_.left.invariant = left.invariant;
    result_.right.ordered += right.ordered;
    result_.right.invariant = right.invariant;
    result_.compared.ordered = std::min(result_.left.ordered, result_.right.ordered);
    result_.compared.invariant = std::min(left.invariant, right.invariant);
    for (const Violation& violation : left.violations) {
      add_violation(violation, right.find(violation.rule), left_.log, right_.log, true);
    }
    for (const Violation& violation : right.violations) {
      if (left.find(violation.rule) == nullptr) {
        add_violation(violation, nullptr, right_.log, left_.log, false);
      }
    }
  }

  void add_violation(const Violation& violation, const Violation* other, const std::vector<Record>& log,
                     const std::vector<Record>& other_log, bool on_left) {
    if (other != nullptr && same_place(log[violation.index], other_log[other->index])) {
      return;
    }
    const RuleSummary& summary = summary_of(violation.rule);
    violation_events_.push_back(std::make_unique<LaneEvent>(LaneEvent{violation.index, &log[violation.index], 0}));
    Candidate candidate;
    candidate.event_class = summary.event_class;
    candidate.clause = violation.clause;
    candidate.what = fmt::format("broken on {}: {}", on_left ? left_.name : right_.name, summary.says);
    candidate.lane = "rules";
    (on_left ? candidate.left : candidate.right) = violation_events_.back().get();
    followers_ += violation.count - 1;
    add(std::move(candidate));
  }

  [[nodiscard]] static bool same_place(const Record& one, const Record& other) {
    return one.kind == other.kind && one.unit == other.unit && one.queue == other.queue &&
           one.ordinal == other.ordinal && one.region == other.region;
  }

  // --- Which was the first

  // True when a waiver covers it.
  bool add(Candidate candidate, bool waivable = true) {
    const Record& record = candidate.left != nullptr ? *candidate.left->record : *candidate.right->record;
    const Difference difference{candidate.clause, name_of(record.kind), subject_of(record),
                                candidate.fields.empty() ? "" : candidate.fields.front()->name};
    if (waivable && waivers_.match(difference, scenario_, {left_.identity, right_.identity}) != nullptr) {
      ++result_.waived;
      return true;
    }
    if (candidates_.size() < kMostCandidates) {
      candidates_.push_back(std::move(candidate));
    } else {
      ++followers_;
    }
    return false;
  }

  void conclude() {
    if (result_.left.exact == 0 || result_.right.exact == 0) {
      result_.verdict = Verdict::error;
      result_.reason =
          fmt::format("{} produced no event to compare", result_.left.exact == 0 ? left_.name : right_.name);
      return;
    }
    if (candidates_.empty()) {
      return;
    }
    std::sort(matched_.begin(), matched_.end());
    const Candidate* first = &candidates_.front();
    for (const Candidate& candidate : candidates_) {
      if (earlier(candidate, *first)) {
        first = &candidate;
      }
    }
    result_.verdict = Verdict::diverge;
    result_.divergence = report(*first);
  }

  // By the log that has both of them, if one has.
  [[nodiscard]] bool earlier(const Candidate& one, const Candidate& other) const {
    std::size_t here = position(one);
    std::size_t there = position(other);
    if ((one.left == nullptr || other.left == nullptr) && one.right != nullptr && other.right != nullptr) {
      here = one.right->index;
      there = other.right->index;
    }
    return std::pair(here, one.event_class) < std::pair(there, other.event_class);
  }

  // Where in the left log it happened, or would have.
  [[nodiscard]] std::size_t position(const Candidate& candidate) const {
    if (candidate.left != nullptr) {
      return candidate.left->index;
    }
    const auto after =
        std::upper_bound(matched_.begin(), matched_.end(), std::pair(candidate.right->index, left_.log.size()));
    return after == matched_.begin() ? 0 : std::prev(after)->second + 1;
  }

  [[nodiscard]] std::vector<std::pair<std::size_t, std::size_t>> last_agreed(const std::vector<LaneEvent>& left,
                                                                             const std::vector<LaneEvent>& right,
                                                                             std::size_t before) const {
    std::vector<std::pair<std::size_t, std::size_t>> agreed;
    for (std::size_t i = before - std::min(before, kAgreedShown); i < before; ++i) {
      agreed.emplace_back(left[i].index, right[i].index);
    }
    return agreed;
  }

  // For what stands in no sequence: whatever agreed last before it.
  [[nodiscard]] std::vector<std::pair<std::size_t, std::size_t>> agreed_before(const Candidate& candidate) const {
    std::vector<std::pair<std::size_t, std::size_t>> agreed;
    const std::size_t here = position(candidate);
    for (auto pair = matched_.rbegin(); pair != matched_.rend() && agreed.size() < kAgreedShown; ++pair) {
      if (pair->second < here) {
        agreed.insert(agreed.begin(), {pair->second, pair->first});
      }
    }
    return agreed;
  }

  [[nodiscard]] Divergence report(const Candidate& candidate) const {
    Divergence divergence;
    divergence.event_class = candidate.event_class;
    divergence.clause = candidate.clause;
    divergence.what = candidate.what;
    divergence.lane = candidate.lane;
    divergence.followers = followers_ + candidates_.size() - 1;
    for (const auto& [left, right] : candidate.agreed.empty() ? agreed_before(candidate) : candidate.agreed) {
      divergence.agreed.emplace_back(sighting(left_.log, left), sighting(right_.log, right));
    }
    if (candidate.left != nullptr) {
      divergence.left = sighting(left_.log, candidate.left->index);
    }
    if (candidate.right != nullptr) {
      divergence.right = sighting(right_.log, candidate.right->index);
    }
    for (const Field* field : candidate.fields) {
      divergence.fields.push_back({field->name, format_field(*field, field->get(*candidate.left->record)),
                                   format_field(*field, field->get(*candidate.right->record))});
    }
    return divergence;
  }

  const Side& left_;
  const Side& right_;
  const std::string& scenario_;
  Waivers& waivers_;
  Comparison result_;
  std::vector<Candidate> candidates_;
  std::vector<std::unique_ptr<LaneEvent>> violation_events_;
  std::vector<std::pair<std::size_t, std::size_t>> matched_;  // right, left
  std::uint64_t followers_ = 0;
};

}  // namespace

Comparison compare(const Side& left, const Side& right, const std::string& scenario, Waivers& waivers) {
  return Comparer(left, right, scenario, waivers).compare();
}

}  // namespace ringside::trace
