#include "testbench/report/alignment.h"

#include <algorithm>
#include <map>
#include <utility>

#include "testbench/trace/fields.h"
#include "testbench/trace/lanes.h"

namespace ringside::report {
namespace {

using trace::Kind;
using trace::LaneEvent;
using trace::Record;
using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;  // left, right

enum class Likeness { same, differs, another_event };

Likeness likeness(const LaneEvent& left, const LaneEvent& right) {
  if (left.record->kind != right.record->kind) {
    return Likeness::another_event;
  }
  Likeness result = left.text == right.text ? Likeness::same : Likeness::differs;
  for (const trace::Field& field : trace::exact_fields(left.record->kind)) {
    if (field.get(*left.record) != field.get(*right.record)) {
      if (field.identity) {
        return Likeness::another_event;
      }
      result = Likeness::differs;
    }
  }
  return result;
}

class Pairing {
 public:
  explicit Pairing(std::size_t left_size) : partners_(left_size) {}

  // Up to where they are out of step.
  void pair_in_order(const std::vector<LaneEvent>& left, const std::vector<LaneEvent>& right) {
    for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
      if (!pair(left[i], right[i])) {
        return;
      }
    }
  }

  void pair_queue(const trace::QueueLane& left, const trace::QueueLane& right) {
    pair_in_order(left.requests, right.requests);
    for (const auto& [ordinal, event] : left.completions) {
      if (const auto other = right.completions.find(ordinal); other != right.completions.end()) {
        (void)pair(event, other->second);
      }
    }
  }

  [[nodiscard]] std::vector<Partner> take() { return std::move(partners_); }

 private:
  bool pair(const LaneEvent& left, const LaneEvent& right) {
    const Likeness how = likeness(left, right);
    if (how != Likeness::another_event) {
      partners_[left.index] = {right.index, how == Likeness::differs};
    }
    return how != Likeness::another_event;
  }

  std::vector<Partner> partners_;
};

std::vector<Partner> pair_up(const std::vector<Record>& left_log, const std::vector<Record>& right_log) {
  const trace::Lanes left = trace::lanes_of(left_log);
  const trace::Lanes right = trace::lanes_of(right_log);
  Pairing pairing(left_log.size());
  pairing.pair_in_order(left.control, right.control);
  for (const auto& [key, lane] : left.queues) {
    if (const auto other = right.queues.find(key); other != right.queues.end()) {
      pairing.pair_queue(lane, other->second);
    }
  }
  return pairing.take();
}

// The most pairs of which no two cross: the longest rising sequence of right indices.
Pairs uncrossed(const std::vector<Partner>& partners) {
  Pairs pairs;
  for (std::size_t i = 0; i < partners.size(); ++i) {
    if (partners[i].index != kNone) {
      pairs.emplace_back(i, partners[i].index);
    }
  }
  std::vector<std::size_t> ends;  // ends[n]: the pair with the smallest right index that ends a sequence of n + 1
  std::vector<std::size_t> before(pairs.size(), kNone);
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto place = std::lower_bound(ends.begin(), ends.end(), pairs[i].second,
                                        [&](std::size_t end, std::size_t right) { return pairs[end].second < right; });
    before[i] = place == ends.begin() ? kNone : *std::prev(place);
    if (place == ends.end()) {
      ends.push_back(i);
    } else {
      *place = i;
    }
  }
  Pairs longest;
  for (std::size_t i = ends.empty() ? kNone : ends.back(); i != kNone; i = before[i]) {
    longest.push_back(pairs[i]);
  }
  std::ranges::reverse(longest);
  return longest;
}

std::size_t next_shown(const std::vector<Record>& log, std::size_t from, std::size_t end) {
  while (from < end && log[from].kind == Kind::text) {
    ++from;
  }
  return from;
}

// What lies between two pairs, of both sides, row by row.
void add_between(const std::vector<Record>& left, const std::vector<Record>& right, AlignedRow from, AlignedRow to,
                 std::vector<AlignedRow>& rows) {
  for (;;) {
    from.left = next_shown(left, from.left, to.left);
    from.right = next_shown(right, from.right, to.right);
    if (from.left == to.left && from.right == to.right) {
      return;
    }
    AlignedRow row;
    row.left = from.left < to.left ? from.left++ : kNone;
    row.right = from.right < to.right ? from.right++ : kNone;
    rows.push_back(row);
  }
}

}  // namespace

Alignment align(const std::vector<Record>& left, const std::vector<Record>& right) {
  Alignment result;
  result.left = pair_up(left, right);
  AlignedRow from{0, 0};
  for (const auto& [at_left, at_right] : uncrossed(result.left)) {
    add_between(left, right, from, {at_left, at_right}, result.rows);
    result.rows.push_back({at_left, at_right});
    from = {at_left + 1, at_right + 1};
  }
  add_between(left, right, from, {left.size(), right.size()}, result.rows);
  return result;
}

}  // namespace ringside::report
