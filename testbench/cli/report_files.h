// `--report DIR`: DIR/index.html, and beside it a directory for each scenario that did not go well, with logs, waves
// and where to look in them. A scenario that is alone has its directory in any case.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "testbench/report/page.h"
#include "testbench/targets/target.h"
#include "testbench/trace/compare.h"
#include "testbench/trace/log_file.h"

namespace ringside::cli {

// Of one side of a comparison, or of a run.
struct ToldSide {
  std::string name;  // as the report calls it
  const trace::LogFile* log = nullptr;
  std::vector<targets::QuirkHit> quirks;
};

struct Told {
  std::string name;
  std::string machine;
  std::string verdict;
  std::string reason;
  double seconds = 0;
  std::string text;                                  // of the report for people
  std::vector<std::string> reproduce;                // command lines
  const trace::Comparison* comparison = nullptr;     // null: nothing was compared
  std::vector<ToldSide> sides;                       // none, one, or left and right
  std::size_t event = static_cast<std::size_t>(-1);  // of a single side: where to look, if it is known
};

class ReportFiles {
 public:
  // Empty: no report is wanted. `scenarios` is how many there will be. Throws targets::InputError.
  ReportFiles(std::string directory, std::size_t scenarios);

  [[nodiscard]] bool wanted() const { return !directory_.empty(); }
  // Writes the scenario's directory; the result is its part of the page. Empty when no report is wanted. May run in a
  // process of its own. Throws trace::FileError, std::system_error.
  [[nodiscard]] std::string add(const Told& told) const;
  // With everybody's parts, in book.chapters. Throws std::system_error.
  void finish(const report::Book& book) const;

 private:
  std::string directory_;
  std::size_t scenarios_;
};

}  // namespace ringside::cli
