#include "testbench/cli/waiver_rows.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

namespace ringside::cli {
namespace {

const char* standing_text(trace::Waivers::Standing standing) {
  switch (standing) {
    case trace::Waivers::Standing::valid:
      return "valid";
    case trace::Waivers::Standing::expiring:
      return "expiring";
    case trace::Waivers::Standing::expired:
      break;
  }
  return "expired";
}

std::string meaning(const trace::Waiver& waiver) {
  if (waiver.clause.empty() || waiver.reason.empty()) {
    return waiver.clause + waiver.reason;
  }
  return waiver.clause + ": " + waiver.reason;
}

}  // namespace

nlohmann::ordered_json waiver_rows(const trace::Waivers& waivers) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const trace::Waiver& waiver : waivers.all()) {
    rows.push_back({{"file", waiver.file},
                    {"line", waiver.line},
                    {"clause", waiver.clause},
                    {"reason", waiver.reason},
                    {"scenario", waiver.scenario},
                    {"decided_by", waiver.decided_by},
                    {"expires", trace::date_text(waiver.expires)},
                    {"versions", waiver.versions},
                    {"standing", standing_text(waivers.standing(waiver))},
                    {"hits", waiver.hits}});
  }
  return rows;
}

void print_waivers(std::FILE* out, const trace::Waivers& waivers) {
  for (const trace::Waiver& waiver : waivers.all()) {
    if (waiver.hits != 0) {
      fmt::print(
          out, "waived {:>6} times by {}:{} ({}; {}, until {}, {})\n", waiver.hits, waiver.file, waiver.line,
          meaning(waiver), waiver.decided_by, trace::date_text(waiver.expires),
          waiver.versions.empty() ? "any version" : "QEMU " + fmt::format("{}", fmt::join(waiver.versions, ", ")));
    }
  }
}

bool review_waivers(const trace::Waivers& waivers, bool complete_run, const std::vector<std::string>& identities) {
  const trace::Waivers::Findings findings = waivers.review(complete_run, identities);
  for (const std::string& warning : findings.warnings) {
    fmt::print(stderr, "ringside: warning: {}\n", warning);
  }
  for (const std::string& failure : findings.failures) {
    fmt::print(stderr, "ringside: {}\n", failure);
  }
  return findings.failures.empty();
}

}  // namespace ringside::cli
