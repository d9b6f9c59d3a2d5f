#include "testbench/campaign/shrink_case.h"

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace ringside::campaign {
namespace {

using scenarios::Op;
using scenarios::Step;

constexpr std::size_t kMostTries = 4000;

bool is_request(const Step& step) { return step.op >= Op::read && step.op <= Op::secure_erase; }

class Shrinker {
 public:
  Shrinker(Case subject, const FirstThatFails& first, Numbers numbers)
      : subject_(std::move(subject)), first_(first), numbers_(numbers) {}

  Case run() {
    for (bool smaller = true; smaller && tries_ < kMostTries;) {
      smaller = fewer(faults) + fewer(steps) + fewer_latencies() + smaller_numbers() != 0;
    }
    return std::move(subject_);
  }

 private:
  static std::vector<faults::Fault>& faults(Case& subject) { return subject.plan.faults; }
  static std::vector<Step>& steps(Case& subject) { return subject.program.steps; }

  // Takes over the first of them that still fails so.
  bool accept(const std::vector<Case>& candidates) {
    if (candidates.empty() || tries_ >= kMostTries) {
      return false;
    }
    tries_ += candidates.size();
    const std::optional<std::size_t> found = first_(candidates);
    if (found) {
      subject_ = candidates[*found];
    }
    return found.has_value();
  }

  // Delta debugging: without one half, without each quarter, ..., without each single one. At least one is left.
  template <class Part>
  unsigned fewer(Part part) {
    unsigned accepted = 0;
    for (std::size_t piece = (part(subject_).size() + 1) / 2; piece != 0;) {
      std::vector<Case> candidates;
      const std::size_t size = part(subject_).size();
      for (std::size_t begin = 0; begin < size && piece < size; begin += piece) {
        Case candidate = subject_;
        auto& list = part(candidate);
        const auto first = list.begin() + static_cast<std::ptrdiff_t>(begin);
        list.erase(first, first + static_cast<std::ptrdiff_t>(std::min(piece, size - begin)));
        candidates.push_back(std::move(candidate));
      }
      if (accept(candidates)) {
        ++accepted;
        piece = std::min(piece, (part(subject_).size() + 1) / 2);
        if (part(subject_).size() == 1) {
          break;
        }
      } else {
        piece /= 2;
      }
    }
    return accepted;
  }

  unsigned fewer_latencies() {
    std::vector<Case> candidates;
    for (const auto& [key, value] : subject_.settings) {
      Case candidate = subject_;
      candidate.settings.erase(key);
      candidates.push_back(std::move(candidate));
    }
    return accept(candidates) ? 1 : 0;
  }

  // Earlier opportunities, smaller values and requests.
  unsigned smaller_numbers() {
    if (numbers_ == Numbers::as_they_are) {
      return 0;
    }
    std::vector<Case> candidates;
    for (std::size_t i = 0; i < subject_.plan.faults.size(); ++i) {
      add_smaller_faults(i, candidates);
    }
    for (std::size_t i = 0; i < subject_.program.steps.size(); ++i) {
      if (is_request(subject_.program.steps[i])) {
        for (const unsigned number : {scenarios::RequestArgs::sectors, scenarios::RequestArgs::segments}) {
          add_if_smaller(
              candidates, [=](Case & candidate) -> auto& { return candidate.program.steps[i].args[number]; }, 1);
        }
      }
    }
    return accept(candidates) ? 1 : 0;
  }

  // A fault's value is often how much has to happen before: requests that made it happen can go with it.
  void add_smaller_faults(std::size_t place, std::vector<Case>& candidates) {
    const faults::ActionSummary& action = summary_of(subject_.plan.faults[place].action);
    add_if_smaller(
        candidates, [=](Case & candidate) -> auto& { return candidate.plan.faults[place].nth; }, 1);
    add_if_smaller(
        candidates, [=](Case & candidate) -> auto& { return candidate.plan.faults[place].times; }, 1);
    if (action.takes_value) {
      add_if_smaller(
          candidates, [=](Case & candidate) -> auto& { return candidate.plan.faults[place].value; }, action.least);
    }
  }

  // With that number as small as it can be, half as far from there, and one less.
  template <class Number>
  void add_if_smaller(std::vector<Case>& candidates, Number number, std::uint64_t least) {
    using Type = std::remove_reference_t<decltype(number(subject_))>;
    const std::uint64_t now = number(subject_);
    std::uint64_t before = now;
    for (const std::uint64_t smaller : {least, least + (now - least) / 2, now - 1}) {
      if (now > least && smaller != before) {
        candidates.push_back(subject_);
        number(candidates.back()) = static_cast<Type>(smaller);
        before = smaller;
      }
    }
  }

  Case subject_;
  const FirstThatFails& first_;
  Numbers numbers_;
  std::size_t tries_ = 0;
};

}  // namespace

Case shrink_case(Case subject, const FirstThatFails& first_that_fails, Numbers numbers) {
  return Shrinker(std::move(subject), first_that_fails, numbers).run();
}

std::size_t count_operations(const programs::Program& program) {
  return static_cast<std::size_t>(std::ranges::count_if(program.steps, is_request));
}

}  // namespace ringside::campaign
