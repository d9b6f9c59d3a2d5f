#include "testbench/cli/findings.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "model/quirks.h"
#include "testbench/checks/known_departures.h"
#include "testbench/checks/requirements.h"

namespace ringside::cli {
namespace {

using nlohmann::ordered_json;

// A section of the specification says how things are laid out, which nobody may do otherwise.
bool is_must(const std::string& clause) {
  const checks::Requirement* const requirement = checks::find_requirement(clause);
  return requirement == nullptr || requirement->level == checks::Level::must ||
         requirement->level == checks::Level::must_not;
}

bool has_quirk(std::string_view name, const std::string& quirks_of, const std::vector<targets::QuirkHit>& fired) {
  const auto set = model::QuirkSet::parse(quirks_of);
  const auto infos = model::all_quirks();
  const auto known = std::ranges::find(infos, name, &model::QuirkInfo::name);
  return std::ranges::find(fired, name, &targets::QuirkHit::name) != fired.end() ||
         (set && known != infos.end() && set->has(known->quirk));
}

std::string explanation(const checks::Violation& violation, const std::string& quirks_of,
                        const std::vector<targets::QuirkHit>& fired) {
  for (const checks::Departure& departure : checks::known_departures()) {
    if (violation.role == checks::Role::device && departure.clause == violation.clause &&
        has_quirk(departure.quirk, quirks_of, fired)) {
      return std::string(departure.quirk);
    }
  }
  return {};
}

}  // namespace

ordered_json finding_rows(const std::vector<checks::Violation>& violations, const std::string& quirks_of,
                          const std::vector<targets::QuirkHit>& fired) {
  ordered_json rows = ordered_json::array();
  for (const checks::Violation& violation : violations) {
    const std::string by = checks::to_string(violation.role);
    const auto known = std::ranges::find_if(
        rows, [&](const auto& row) { return row["clause"] == violation.clause && row["by"] == by; });
    if (known != rows.end()) {
      (*known)["count"] = (*known)["count"].get<std::uint64_t>() + violation.count;
      continue;
    }
    rows.push_back({{"clause", violation.clause},
                    {"by", by},
                    {"index", violation.index},
                    {"time_ns", violation.time},
                    {"text", violation.text},
                    {"count", violation.count},
                    {"quirk", explanation(violation, quirks_of, fired)}});
  }
  return rows;
}

std::string unexplained(const ordered_json& rows) {
  for (const ordered_json& row : rows) {  // in the order of their first records
    if (row["by"] == "driver" && is_must(row["clause"])) {
      return {};
    }
    if (row["by"] == "device" && row["quirk"] == "" && is_must(row["clause"])) {
      return row["clause"];
    }
  }
  return {};
}

std::vector<std::string> finding_lines(const ordered_json& rows) {
  std::vector<std::string> lines;
  for (const ordered_json& row : rows) {
    const std::string quirk = row["quirk"];
    lines.push_back(fmt::format("the {} breaks {} {} time(s), first at #{}: {}{}", row["by"].get<std::string>(),
                                row["clause"].get<std::string>(), row["count"].get<std::uint64_t>(),
                                row["index"].get<std::size_t>(), row["text"].get<std::string>(),
                                quirk.empty() ? "" : fmt::format(" (quirk {})", quirk)));
  }
  return lines;
}

}  // namespace ringside::cli
