#include "testbench/trace/toml_quoted.h"

#include <fmt/format.h>

#include <algorithm>

namespace ringside::trace {

std::string toml_quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      result += c;
    }
  }
  return result + "\"";
}

std::string toml_quoted_lines(std::string_view text) {
  const bool plain = text.find("'''") == std::string_view::npos &&
                     std::ranges::all_of(text, [](char c) { return c == '\n' || (c >= 0x20 && c != 0x7f); });
  return plain ? fmt::format("'''\n{}'''", text) : toml_quoted(text);
}

}  // namespace ringside::trace
