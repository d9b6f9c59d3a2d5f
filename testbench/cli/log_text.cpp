#include "testbench/cli/log_text.h"

#include <fmt/core.h>

namespace ringside::cli {
namespace {

constexpr std::size_t kMostTexts = 4096;

}  // namespace

void LogText::append(const trace::Record& record) {
  if (record.kind == trace::Kind::text) {
    if (joiner_.feed(record) && of_ != nullptr) {
      of_->add(joiner_.text());
      of_ = nullptr;
    }
    return;
  }
  of_ = record.kind == trace::Kind::log_line                     ? &lines_
        : record.kind == trace::Kind::check && record.value == 0 ? &checks_
                                                                 : nullptr;
}

void LogText::Texts::add(const std::string& text) {
  if (kept.size() < kMostTexts) {
    kept.push_back(text);
  } else {
    ++left_out;
  }
}

std::vector<std::string> LogText::Texts::all(const char* what) const {
  std::vector<std::string> texts = kept;
  if (left_out != 0) {
    texts.push_back(fmt::format("... {} {}", left_out, what));
  }
  return texts;
}

}  // namespace ringside::cli
