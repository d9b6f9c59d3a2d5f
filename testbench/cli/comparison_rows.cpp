#include "testbench/cli/comparison_rows.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "testbench/cli/findings.h"
#include "testbench/cli/waiver_rows.h"

namespace ringside::cli {
namespace {

const char* verdict_text(trace::Verdict verdict) {
  switch (verdict) {
    case trace::Verdict::agree:
      return "agree";
    case trace::Verdict::diverge:
      return "diverge";
    case trace::Verdict::error:
      break;
  }
  return "error";
}

Row sighting(const trace::Sighting& seen) {
  if (!seen.present) {
    return nullptr;
  }
  return {{"index", seen.index}, {"time_ns", seen.time}, {"event", seen.text}};
}

Row first_divergence(const trace::Divergence& divergence) {
  Row fields = Row::array();
  for (const trace::FieldDifference& field : divergence.fields) {
    fields.push_back({{"field", field.field}, {"left", field.left}, {"right", field.right}});
  }
  return {{"class", trace::to_string(divergence.event_class)},
          {"clause", divergence.clause},
          {"what", divergence.what},
          {"lane", divergence.lane},
          {"left", sighting(divergence.left)},
          {"right", sighting(divergence.right)},
          {"fields", fields},
          {"followers", divergence.followers}};
}

// What the monitors found on both sides.
std::vector<std::string> finding_lines_of(const Row& row) {
  std::vector<std::string> lines;
  for (const char* side : {"left", "right"}) {
    for (const std::string& line : finding_lines(row["violations"][side])) {
      lines.push_back(fmt::format("{}: {}", side, line));
    }
  }
  return lines;
}

std::size_t count(const std::vector<Row>& rows, const char* verdict) {
  return static_cast<std::size_t>(
      std::ranges::count_if(rows, [&](const Row& row) { return row["verdict"] == verdict; }));
}

JunitCase::Result junit_result(const std::string& verdict) {
  if (verdict == "agree") {
    return JunitCase::Result::passed;
  }
  if (verdict == "diverge") {
    return JunitCase::Result::failed;
  }
  return verdict == "skip" ? JunitCase::Result::skipped : JunitCase::Result::error;
}

}  // namespace

Row empty_row(const std::string& scenario, const std::string& verdict, const std::string& reason) {
  return {{"name", scenario},
          {"verdict", verdict},
          {"reason", reason},
          {"exact", 0},
          {"ordered", 0},
          {"invariant", 0},
          {"waived", 0},
          {"inner", 0},
          {"inner_skipped", 0},
          {"canaries", 0},
          {"quirks", Row::array()},
          {"violations", {{"left", Row::array()}, {"right", Row::array()}}},
          {"seconds", 0.0},
          {"first_divergence", nullptr}};
}

Row row_of(const trace::Comparison& comparison) {
  Row row = empty_row(comparison.scenario, verdict_text(comparison.verdict), comparison.reason);
  row["exact"] = comparison.compared.exact;
  row["ordered"] = comparison.compared.ordered;
  row["invariant"] = comparison.compared.invariant;
  row["waived"] = comparison.waived;
  row["inner"] = comparison.inner;
  row["inner_skipped"] = comparison.inner_skipped;
  if (comparison.divergence.has_value()) {
    row["reason"] = comparison.divergence->what;
    row["first_divergence"] = first_divergence(*comparison.divergence);
  }
  return row;
}

void print_heading(std::FILE* out, const std::string& left, const std::string& right) {
  fmt::print(out, "left   {}\nright  {}\n\n", left, right);
  fmt::print(out, "{:<24} {:<8} {:>8} {:>8} {:>9} {:>6} {:>8}  {}\n", "scenario", "verdict", "exact", "ordered",
             "invariant", "waived", "seconds", "quirks that fired");
}

void print_row(std::FILE* out, const Row& row) {
  std::string quirks;
  for (const Row& quirk : row["quirks"]) {
    quirks += (quirks.empty() ? "" : " ") + quirk.get<std::string>();
  }
  fmt::print(out, "{:<24} {:<8} {:>8} {:>8} {:>9} {:>6} {:>8.2f}  {}\n", row["name"].get<std::string>(),
             row["verdict"].get<std::string>(), row["exact"].get<std::uint64_t>(), row["ordered"].get<std::uint64_t>(),
             row["invariant"].get<std::uint64_t>(), row["waived"].get<std::uint64_t>(), row["seconds"].get<double>(),
             quirks);
  if (row["verdict"] == "skip" || row["verdict"] == "error") {
    fmt::print(out, "  {}\n", row["reason"].get<std::string>());
  }
  for (const std::string& line : finding_lines_of(row)) {
    fmt::print(out, "  {}\n", line);
  }
  std::fflush(out);
}

void print_summary(std::FILE* out, const std::vector<Row>& rows) {
  fmt::print(out, "\n{} agree, {} diverge, {} skipped, {} errors\n", count(rows, "agree"), count(rows, "diverge"),
             count(rows, "skip"), count(rows, "error"));
}

Row comparison_document(const std::string& left, const std::string& right, const std::vector<Row>& rows,
                        const trace::Waivers& waivers) {
  return {{"schema", "ringside.compare/1"},
          {"left", left},
          {"right", right},
          {"agree", count(rows, "agree")},
          {"diverge", count(rows, "diverge")},
          {"skip", count(rows, "skip")},
          {"errors", count(rows, "error")},
          {"scenarios", rows},
          {"waivers", waiver_rows(waivers)}};
}

std::vector<JunitCase> junit_cases_of(const std::vector<Row>& rows, const std::vector<std::string>& reports) {
  std::vector<JunitCase> cases;
  cases.reserve(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    cases.push_back({row["name"], junit_result(row["verdict"]), row["reason"], row["seconds"], finding_lines_of(row),
                     i < reports.size() ? reports[i] : ""});
  }
  return cases;
}

bool saw_enough(const std::vector<Row>& rows) {
  bool enough = true;
  for (const char* const what : {"exact", "ordered", "invariant", "canaries"}) {
    const bool any = std::ranges::any_of(rows, [&](const Row& row) { return row[what] != 0; });
    if (!any) {
      fmt::print(stderr, "ringside: a complete run that saw no event of this kind: {}\n", what);
    }
    enough = enough && any;
  }
  return enough;
}

ExitStatus status_of(const std::vector<Row>& rows) {
  const bool holds = count(rows, "agree") > 0 && count(rows, "diverge") == 0 && count(rows, "error") == 0;
  return holds ? ExitStatus::holds : ExitStatus::does_not_hold;
}

SideNames side_names(const std::string& left_target, const std::string& right_target) {
  return left_target == right_target ? SideNames{"left", "right"} : SideNames{left_target, right_target};
}

}  // namespace ringside::cli
