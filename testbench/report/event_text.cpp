#include "testbench/report/event_text.h"

#include "testbench/trace/names.h"
#include "testbench/trace/text.h"

namespace ringside::report {
namespace {

constexpr std::size_t kLongest = 200;

}  // namespace

std::string event_text(const std::vector<trace::Record>& log, std::size_t index) {
  std::string text = describe(log[index]);
  if (index + 1 < log.size() && log[index + 1].kind == trace::Kind::text) {
    text += " \"" + trace::text_at(log, index + 1) + "\"";
  }
  if (text.size() > kLongest) {
    text.resize(kLongest);
    text += "...";
  }
  return text;
}

}  // namespace ringside::report
