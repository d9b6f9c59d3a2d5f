#include "testbench/cli/log_text.h"

#include "testbench/trace/text.h"

namespace ringside::cli {
namespace {

// The texts that follow the records which `wanted` picks.
template <class Wanted>
std::vector<std::string> texts_after(const std::vector<trace::Record>& log, Wanted wanted) {
  std::vector<std::string> texts;
  for (std::size_t at = 0; at < log.size(); ++at) {
    if (wanted(log[at])) {
      texts.push_back(trace::text_at(log, at + 1));
    }
  }
  return texts;
}

}  // namespace

std::vector<std::string> driver_lines(const std::vector<trace::Record>& log) {
  return texts_after(log, [](const trace::Record& record) { return record.kind == trace::Kind::log_line; });
}

std::vector<std::string> failed_checks(const std::vector<trace::Record>& log) {
  return texts_after(
      log, [](const trace::Record& record) { return record.kind == trace::Kind::check && record.value == 0; });
}

}  // namespace ringside::cli
