#include "testbench/report/annotations.h"

#include <fmt/core.h>

#include <cstdlib>
#include <string_view>

namespace ringside::report {
namespace {

constexpr std::size_t kMostShown = 10;

// As GitHub's runner reads them back: a value ends at a line's end, a property at a comma or a colon too.
std::string escaped(std::string_view text, std::string_view special) {
  std::string result;
  for (const char c : text) {
    if (special.find(c) != std::string_view::npos) {
      result += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    } else {
      result += c;
    }
  }
  return result;
}

std::string property(std::string_view text) { return escaped(text, "%\r\n:,"); }

}  // namespace

std::string annotation_line(const Annotation& annotation) {
  const std::string file = annotation.file.empty() ? "" : "file=" + property(annotation.file) + ",";
  return fmt::format("::error {}title={}::{}\n", file, property(annotation.title),
                     escaped(annotation.message, "%\r\n"));
}

void print_annotations(std::FILE* out, const std::vector<Annotation>& annotations) {
  const char* const actions = std::getenv("GITHUB_ACTIONS");
  if (actions == nullptr || *actions == '\0') {
    return;
  }
  const bool all = annotations.size() <= kMostShown;
  const std::size_t shown = all ? annotations.size() : kMostShown - 1;
  for (std::size_t i = 0; i < shown; ++i) {
    fmt::print(out, "{}", annotation_line(annotations[i]));
  }
  if (!all) {
    fmt::print(out, "{}",
               annotation_line({"", "ringside",
                                fmt::format("and {} more; see the output of this step", annotations.size() - shown)}));
  }
  std::fflush(out);
}

}  // namespace ringside::report
