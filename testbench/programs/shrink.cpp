#include "testbench/programs/shrink.h"

#include <algorithm>
#include <utility>

#include "testbench/scenarios/program_table.h"
#include "testbench/targets/device_properties.h"

namespace ringside::programs {
namespace {

using scenarios::Op;
using scenarios::Param;
using scenarios::ParamKind;
using scenarios::RequestArgs;
using scenarios::Step;

class Shrinker {
 public:
  Shrinker(Program program, const FirstThatShows& first_that_shows, const ShrinkLimits& limits)
      : program_(std::move(program)), first_that_shows_(first_that_shows), left_(limits.tries) {
    for (Step& step : program_.steps) {
      step.line = 0;  // its line in a file that this is not any more
    }
  }

  Program run() {
    forget_expectations();
    do {
      progress_ = false;
      drop_steps();
      drop_properties();
      drop_arguments();
      lower_numbers();
    } while (progress_ && left_ != 0);
    return std::move(program_);
  }

 private:
  // True when one of them shows it too, which is then what we go on with.
  bool adopt(std::vector<Program> candidates) {
    if (candidates.size() > left_) {
      candidates.resize(left_);
    }
    left_ -= candidates.size();
    const auto found = candidates.empty() ? std::nullopt : first_that_shows_(candidates);
    if (found.has_value()) {
      program_ = std::move(candidates[*found]);
      progress_ = true;
    }
    return found.has_value();
  }

  // A read that expects what a step before it wrote fails without that step.
  void forget_expectations() {
    Program candidate = program_;
    for (Step& step : candidate.steps) {
      if (step.op == Op::read) {
        constexpr unsigned kExpectations = 1u << RequestArgs::expect_fill | 1u << RequestArgs::expect_zero;
        step.given = static_cast<std::uint16_t>(step.given & ~kExpectations);
        step.args[RequestArgs::expect_fill] = step.args[RequestArgs::expect_zero] = 0;
      }
    }
    adopt({candidate});
  }

  // Delta debugging: halves, quarters, ... and single steps.
  void drop_steps() {
    for (std::size_t run = std::max<std::size_t>(1, program_.steps.size() / 2);; run /= 2) {
      while (program_.steps.size() > 1 && adopt(without_runs(run))) {
      }
      if (run == 1 || left_ == 0) {
        return;
      }
    }
  }

  std::vector<Program> without_runs(std::size_t run) const {
    std::vector<Program> candidates;
    const std::size_t count = program_.steps.size();
    for (std::size_t first = 0; first < count; first += run) {
      const std::size_t end = std::min(first + run, count);
      if (end - first < count) {
        Program& candidate = candidates.emplace_back(program_);
        candidate.steps.erase(candidate.steps.begin() + static_cast<std::ptrdiff_t>(first),
                              candidate.steps.begin() + static_cast<std::ptrdiff_t>(end));
      }
    }
    return candidates;
  }

  void drop_properties() {
    while (adopt(without_properties())) {
    }
  }

  std::vector<Program> without_properties() const {
    std::vector<Program> candidates;
    if (!program_.devices.empty()) {
      candidates.push_back(program_);
      candidates.back().devices.pop_back();
    }
    for (std::size_t i = 0; i < program_.devices.size(); ++i) {
      const std::vector<std::string> properties = targets::split_at_commas(program_.devices[i]);
      for (std::size_t left_out = 0; properties.size() > 1 && left_out < properties.size(); ++left_out) {
        candidates.push_back(program_);
        candidates.back().devices[i] = joined(properties, left_out);
      }
    }
    if (!program_.machine.empty()) {
      candidates.push_back(program_);
      candidates.back().machine.clear();
    }
    return candidates;
  }

  static std::string joined(const std::vector<std::string>& properties, std::size_t left_out) {
    std::string text;
    for (std::size_t i = 0; i < properties.size(); ++i) {
      if (i != left_out) {
        text += (text.empty() ? "" : ",") + targets::with_commas_doubled(properties[i]);
      }
    }
    return text;
  }

  // Every argument that has a default, back to it; but for what keeps a program from racing with the device.
  void drop_arguments() {
    for (std::size_t i = 0; i < program_.steps.size(); ++i) {
      while (left_ != 0 && adopt(without_arguments(i))) {
      }
    }
  }

  // A look that waits for nothing finds what time has decided, which would pass for what was found.
  static bool waits(const Step& step, const Param& param) {
    return (step.op == Op::peek || step.op == Op::hash) && param.slot == scenarios::BufferArgs::when;
  }

  std::vector<Program> without_arguments(std::size_t index) const {
    std::vector<Program> candidates;
    for_each_argument(index, [&](const Param& param) {
      if (param.required || waits(program_.steps[index], param)) {
        return;
      }
      Step& step = candidates.emplace_back(program_).steps[index];
      step.args[param.slot] = param.otherwise;
      if (param.kind == ParamKind::address) {
        step.args[param.slot + 1] = 0;
      }
      step.given = static_cast<std::uint16_t>(step.given & ~(1u << param.slot));
    });
    return candidates;
  }

  void lower_numbers() {
    for (std::size_t i = 0; i < program_.steps.size(); ++i) {
      while (left_ != 0 && adopt(with_lower_numbers(i))) {
      }
    }
  }

  std::vector<Program> with_lower_numbers(std::size_t index) const {
    std::vector<Program> candidates;
    for_each_argument(index, [&](const Param& param) {
      const std::uint64_t value = program_.steps[index].args[param.slot];
      if (param.kind != ParamKind::number || value <= 1) {
        return;
      }
      for (const std::uint64_t lower : {std::uint64_t{0}, std::uint64_t{1}, value / 2}) {
        candidates.emplace_back(program_).steps[index].args[param.slot] = lower;
      }
    });
    return candidates;
  }

  template <class Visit>
  void for_each_argument(std::size_t index, Visit visit) const {
    const Step& step = program_.steps[index];
    if (const scenarios::OpRow* const row = scenarios::row_of(step.op); row != nullptr) {
      for (const Param& param : *row) {
        if ((step.given >> param.slot & 1) != 0) {
          visit(param);
        }
      }
    }
  }

  Program program_;
  const FirstThatShows& first_that_shows_;
  std::size_t left_;
  bool progress_ = false;
};

}  // namespace

Program shrink(Program program, const FirstThatShows& first_that_shows, const ShrinkLimits& limits) {
  return Shrinker(std::move(program), first_that_shows, limits).run();
}

}  // namespace ringside::programs
