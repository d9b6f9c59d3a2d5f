// `ringside clauses`: the requirements of VIRTIO, and what checks each.
#include <fmt/core.h>
#include <fnmatch.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "testbench/checks/coverage.h"
#include "testbench/cli/command.h"
#include "testbench/targets/target.h"

namespace ringside::cli {
namespace {

using checks::Coverage;
using nlohmann::ordered_json;

struct Options {
  std::vector<std::string> globs;
  bool monitor = false;
  bool test = false;
  bool nothing = false;
  bool json = false;
};

bool is_chosen(const Coverage& row, const Options& options) {
  const bool any = !options.monitor && !options.test && !options.nothing;
  const bool by = any || (options.monitor && row.by == Coverage::By::monitor) ||
                  (options.test && row.by == Coverage::By::test) ||
                  (options.nothing && row.by == Coverage::By::nothing);
  const std::string id(row.requirement->id);
  const bool named = options.globs.empty() || std::ranges::any_of(options.globs, [&](const std::string& glob) {
                       return ::fnmatch(glob.c_str(), id.c_str(), 0) == 0;
                     });
  return by && named;
}

ordered_json row_of(const Coverage& row) {
  const checks::Requirement& requirement = *row.requirement;
  ordered_json json{{"id", requirement.id},
                    {"checked_by", checks::to_string(row.by)},
                    {"name", row.name},
                    {"role", checks::to_string(requirement.role)},
                    {"level", checks::to_string(requirement.level)},
                    {"section", requirement.section},
                    {"says", requirement.says}};
  return json;
}

std::size_t count(const std::vector<Coverage>& rows, Coverage::By by) {
  return static_cast<std::size_t>(std::ranges::count(rows, by, &Coverage::by));
}

void print(const std::vector<Coverage>& rows) {
  for (const Coverage& row : rows) {
    fmt::print("{:<20} {:<10} {:<8} {:<20}  {}\n", row.requirement->id, checks::to_string(row.requirement->level),
               checks::to_string(row.by), row.name, row.requirement->says);
  }
  fmt::print("{} requirements: {} checked by a monitor, {} by a test, {} by nothing yet\n", rows.size(),
             count(rows, Coverage::By::monitor), count(rows, Coverage::By::test), count(rows, Coverage::By::nothing));
}

ordered_json document_of(const std::vector<Coverage>& rows) {
  ordered_json clauses = ordered_json::array();
  for (const Coverage& row : rows) {
    clauses.push_back(row_of(row));
  }
  return {{"schema", "ringside.clauses/1"},
          {"clauses", clauses},
          {"monitor", count(rows, Coverage::By::monitor)},
          {"test", count(rows, Coverage::By::test)},
          {"nothing", count(rows, Coverage::By::nothing)}};
}

ExitStatus list_clauses(const Options& options) {
  std::vector<Coverage> rows = checks::coverage();
  std::erase_if(rows, [&](const Coverage& row) { return !is_chosen(row, options); });
  if (rows.empty()) {
    throw targets::InputError("nothing selected; expected ids of requirements, or globs of them: 'pciisr-*'");
  }
  options.json ? fmt::print("{}\n", document_of(rows).dump(2)) : print(rows);
  return ExitStatus::holds;
}

}  // namespace

void add_clauses(CommandLine& program) {
  Command command =
      program.command("clauses", "the requirements of VIRTIO, and what checks each: a monitor, a test, nothing");
  const auto options = std::make_shared<Options>();
  command.option("id", options->globs, "ids of requirements, or globs of them; without any, all");
  command.flag("--monitor", options->monitor, "only those that a monitor checks");
  command.flag("--test", options->test, "only those that a test checks");
  command.flag("--nothing", options->nothing, "only those that nothing checks yet");
  command.flag("--json", options->json, "a document on standard output");
  command.runs([options] { return list_clauses(*options); });
}

}  // namespace ringside::cli
