#include "testbench/cli/campaign_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "testbench/campaign/directory.h"
#include "testbench/campaign/empty_cells.h"
#include "testbench/campaign/explained.h"
#include "testbench/faults/plan.h"

namespace ringside::cli {
namespace {

using campaign::DriverState;
using campaign::FaultSummary;
using campaign::Outcome;
using campaign::OutcomeCounts;
using campaign::Summary;
using nlohmann::ordered_json;

constexpr std::size_t kMostGroups = 30;
constexpr std::array kStates = {DriverState::starting, DriverState::idle, DriverState::in_flight,
                                DriverState::recovering, DriverState::calm};

ordered_json counts_of(const OutcomeCounts& counts) {
  ordered_json result = ordered_json::object();
  for (unsigned i = 0; i < campaign::kOutcomes; ++i) {
    if (counts[i] != 0) {
      result[std::string(to_string(static_cast<Outcome>(i)))] = counts[i];
    }
  }
  return result;
}

std::string text_of(const OutcomeCounts& counts) {
  std::vector<std::string> words;
  for (unsigned i = 0; i < campaign::kOutcomes; ++i) {
    if (counts[i] != 0) {
      words.push_back(fmt::format("{} {}", counts[i], to_string(static_cast<Outcome>(i))));
    }
  }
  return words.empty() ? "none" : fmt::format("{}", fmt::join(words, ", "));
}

bool is_empty(const OutcomeCounts& counts) { return counts == OutcomeCounts{}; }

// One cell of the coverage: a fault in a state.
struct Cell {
  const faults::ActionSummary* action;
  DriverState state;
  OutcomeCounts counts;
};

std::vector<Cell> cells_of(const Summary& summary) {
  std::vector<Cell> cells;
  for (const faults::ActionSummary& action : faults::all_actions()) {
    const auto known = summary.faults().find(action.name);
    for (const DriverState state : kStates) {
      cells.push_back({&action, state,
                       known == summary.faults().end() ? OutcomeCounts{}
                                                       : known->second.by_state[static_cast<std::size_t>(state)]});
    }
  }
  return cells;
}

constexpr std::string_view kDidNotHappen = "did not happen in these runs";

std::string reason_of(const Cell& cell) {
  const std::string known = campaign::why_never(*cell.action, cell.state);
  return known.empty() ? std::string(kDidNotHappen) : known;
}

// What never came of a fault in a state in which it did happen, with the reason.
struct Never {
  const Cell* cell;
  Outcome outcome;
  std::string_view why;
};
std::vector<Never> never_in(const Cell& cell) {
  std::vector<Never> result;
  const std::uint64_t times = std::accumulate(cell.counts.begin(), cell.counts.end(), std::uint64_t{0});
  for (const Outcome outcome : campaign::outcomes_of_cells()) {
    if (!is_empty(cell.counts) && cell.counts[static_cast<std::size_t>(outcome)] == 0) {
      const std::string_view known = campaign::why_never(*cell.action, cell.state, outcome, times);
      result.push_back({&cell, outcome, known.empty() ? kDidNotHappen : known});
    }
  }
  return result;
}

// By their reasons; those without one are named.
void print_never(std::FILE* out, const std::vector<Cell>& cells) {
  std::map<std::string_view, std::uint64_t> reasons;
  std::vector<Never> missed;
  for (const Cell& cell : cells) {
    for (const Never& never : never_in(cell)) {
      ++reasons[never.why];
      if (never.why == kDidNotHappen) {
        missed.push_back(never);
      }
    }
  }
  fmt::print(out, "outcomes that never came in the other cells, by reason:\n");
  for (const auto& [why, count] : reasons) {
    fmt::print(out, "{:>8} x {}\n", count, why);
  }
  for (const Never& never : missed) {
    fmt::print(out, "           {} {} {}\n", never.cell->action->name, to_string(never.cell->state),
               to_string(never.outcome));
  }
}

// The first of the runs that ended so.
std::string where_of(const campaign::FailureGroup& group, const std::string& directory) {
  return directory.empty() ? fmt::format("seed {}", group.first_seed)
                           : campaign::failure_path(directory, group.first_seed);
}

}  // namespace

ordered_json campaign_document(const Summary& summary, const std::string& directory) {
  ordered_json faults = ordered_json::object();
  for (const auto& [name, fault] : summary.faults()) {
    faults[name] = {{"planned", fault.planned}, {"fired", fault.fired}, {"outcomes", counts_of(fault.outcomes())}};
  }
  ordered_json failures = ordered_json::array();
  for (const auto& [seed, signature] : summary.failing()) {
    failures.push_back({{"seed", seed},
                        {"file", directory.empty() ? "" : campaign::failure_path(directory, seed)},
                        {"signature", signature}});
  }
  return {{"schema", "ringside.campaign/1"},
          {"runs", summary.runs()},
          {"outcomes", counts_of(summary.outcomes())},
          {"faults", faults},
          {"failures", failures}};
}

void print_campaign(std::FILE* out, const Summary& summary, const std::string& directory) {
  fmt::print(out, "{} runs: {}\n", summary.runs(), text_of(summary.outcomes()));
  std::vector<std::pair<std::string, campaign::FailureGroup>> groups(summary.groups().begin(), summary.groups().end());
  std::ranges::stable_sort(groups, [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
  for (std::size_t i = 0; i < groups.size() && i < kMostGroups; ++i) {
    const auto& [signature, group] = groups[i];
    fmt::print(out, "{:>8} x {}\n           first: {}\n", group.count, signature, where_of(group, directory));
  }
  if (groups.size() > kMostGroups) {
    fmt::print(out, "           and {} other signatures\n", groups.size() - kMostGroups);
  }
}

void print_campaign_coverage(std::FILE* out, const Summary& summary) {
  std::vector<Cell> empty;
  for (const faults::ActionSummary& action : faults::all_actions()) {
    const auto known = summary.faults().find(action.name);
    const FaultSummary fault = known == summary.faults().end() ? FaultSummary{} : known->second;
    fmt::print(out, "{}: {} planned, {} fired\n", action.name, fault.planned, fault.fired);
    for (const DriverState state : kStates) {
      const OutcomeCounts& counts = fault.by_state[static_cast<std::size_t>(state)];
      if (is_empty(counts)) {
        empty.push_back({&action, state, counts});
      } else {
        fmt::print(out, "  {:<11}{}\n", to_string(state), text_of(counts));
      }
    }
  }
  fmt::print(out, "{} cells are empty\n", empty.size());
  for (const Cell& cell : empty) {
    fmt::print(out, "  {:<24} {:<11} {}\n", cell.action->name, to_string(cell.state), reason_of(cell));
  }
  print_never(out, cells_of(summary));
}

ordered_json coverage_document(const Summary& summary) {
  ordered_json cells = ordered_json::array();
  for (const Cell& cell : cells_of(summary)) {
    ordered_json row = {
        {"fault", cell.action->name}, {"state", to_string(cell.state)}, {"outcomes", counts_of(cell.counts)}};
    if (is_empty(cell.counts)) {
      row["empty_because"] = reason_of(cell);
    }
    for (const Never& never : never_in(cell)) {
      row["never"][std::string(to_string(never.outcome))] = never.why;
    }
    cells.push_back(row);
  }
  return cells;
}

std::vector<JunitCase> campaign_junit_cases(const Summary& summary, const std::string& directory) {
  std::vector<JunitCase> cases;
  for (const faults::ActionSummary& action : faults::all_actions()) {
    const auto known = summary.faults().find(action.name);
    const bool happened = known != summary.faults().end() && known->second.fired != 0;
    JunitCase one;
    one.name = fmt::format("fault {}", action.name);
    one.result = happened ? JunitCase::Result::passed : JunitCase::Result::skipped;
    one.reason = happened ? std::string() : "did not happen in these runs";
    if (happened) {
      one.output.push_back(text_of(known->second.outcomes()));
    }
    cases.push_back(std::move(one));
  }
  for (const auto& [signature, group] : summary.groups()) {
    JunitCase one;
    one.name = signature;
    one.result = JunitCase::Result::failed;
    one.reason = fmt::format("{} runs, the first of them {}", group.count, where_of(group, directory));
    cases.push_back(std::move(one));
  }
  return cases;
}

}  // namespace ringside::cli
