#include "testbench/cli/report_files.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

#include "testbench/checks/monitors.h"
#include "testbench/cli/failure_directory.h"
#include "testbench/cli/output_path.h"
#include "testbench/report/chapter.h"

namespace ringside::cli {
namespace {

constexpr std::size_t kNowhere = static_cast<std::size_t>(-1);

bool went_well(const std::string& verdict) { return verdict == "agree" || verdict == "held" || verdict == "skip"; }

// Names become those of directories; files' names have more in them than one may hold.
std::string directory_name(std::string name) {
  std::ranges::replace_if(
      name,
      [](unsigned char byte) {
        return byte <= 0x20 || byte >= 0x7f ||
               std::string_view("/\\:*?\"<>|").find(static_cast<char>(byte)) != std::string_view::npos;
      },
      '_');
  return name == "." || name == ".." ? "_" : name;
}

std::vector<checks::Violation> violations_in(const trace::LogFile& log) {
  return log.records.empty() ? std::vector<checks::Violation>{} : checks::run_monitors(log.records);
}

// Where to look in one log: the first check that did not hold, else what the monitors found first, else the end.
std::size_t trouble_in(const std::vector<trace::Record>& log, const std::vector<checks::Violation>& violations) {
  const auto failed = std::ranges::find_if(
      log, [](const trace::Record& record) { return record.kind == trace::Kind::check && record.value == 0; });
  if (failed != log.end()) {
    return static_cast<std::size_t>(failed - log.begin());
  }
  return violations.empty() ? log.size() - std::min<std::size_t>(log.size(), 1) : violations.front().index;
}

// The event of a run: where it is known, or where the trouble is, if there is any.
std::size_t event_of(const Told& told, const report::Side& side) {
  const bool known = told.event != kNowhere || went_well(told.verdict) || side.log->empty();
  return known ? told.event : trouble_in(*side.log, side.violations);
}

// The place on each side where its wave's marker stands.
std::vector<std::size_t> markers(const report::Chapter& chapter) {
  std::vector<std::size_t> places = report::places_of(chapter);
  for (std::size_t i = 0; i < places.size(); ++i) {
    const report::Side& side = chapter.sides[i];
    places[i] = places[i] == kNowhere ? trouble_in(*side.log, side.violations) : places[i];
  }
  return places;
}

}  // namespace

ReportFiles::ReportFiles(std::string directory, std::size_t scenarios)
    : directory_(std::move(directory)), scenarios_(scenarios) {
  if (wanted()) {
    require_directory(directory_);
    require_writable(directory_ + "/index.html");
  }
}

std::string ReportFiles::add(const Told& told) const {
  if (!wanted()) {
    return {};
  }
  report::Chapter chapter;
  chapter.name = told.name;
  chapter.machine = told.machine;
  chapter.verdict = told.verdict;
  chapter.reason = told.reason;
  chapter.seconds = told.seconds;
  chapter.comparison = told.comparison;
  chapter.reproduce = told.reproduce;
  for (const ToldSide& side : told.sides) {
    std::vector<report::QuirkUse> quirks;
    for (const targets::QuirkHit& quirk : side.quirks) {
      quirks.push_back({quirk.name, quirk.clause, quirk.count});
    }
    chapter.sides.push_back({side.name, &side.log->records, std::move(quirks), violations_in(*side.log)});
  }
  if (chapter.sides.size() == 1) {
    chapter.event = event_of(told, chapter.sides.front());
  }
  const bool at_length = !chapter.sides.empty() && (!went_well(told.verdict) || scenarios_ == 1);
  if (at_length) {
    chapter.most_rows = std::max<std::size_t>(report::kMostRowsOfPage / scenarios_, 1000);
    chapter.directory = directory_name(told.name);
    FailureStory story{told.name, told.verdict, told.text, told.reproduce, {}};
    const std::vector<std::size_t> places = markers(chapter);
    for (std::size_t i = 0; i < told.sides.size(); ++i) {
      const char* const stem = told.sides.size() == 1 ? "run" : i == 0 ? "left" : "right";
      story.sides.push_back({stem, told.sides[i].log, places[i]});
    }
    write_failure_directory((std::filesystem::path(directory_) / chapter.directory).string(), story);
  }
  return report::chapter_json(chapter);
}

void ReportFiles::finish(const report::Book& book) const {
  if (wanted()) {
    write_file(directory_ + "/index.html", report::page_of(book));
  }
}

}  // namespace ringside::cli
