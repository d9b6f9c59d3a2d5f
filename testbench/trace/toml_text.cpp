#include "testbench/trace/toml_text.h"

#include <fmt/core.h>

#include <cctype>
#include <cstdint>
#include <string_view>

#include "testbench/trace/file_error.h"

namespace ringside::trace {
namespace {

bool is_plain(char c) { return (c >= 0x20 && c < 0x7f) || c == '\t' || c == '\r'; }

bool begins_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::string_view("_-\"']").find(c) != std::string::npos;
}

// [table] or [[tables]]; none of this project's formats has a list in a list, of which a line may begin like that.
bool is_bad_header(std::string_view line) {
  constexpr std::string_view kBlanks = " \t";
  const std::size_t begin = line.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos || line[begin] != '[') {
    return false;
  }
  const bool of_list = begin + 1 < line.size() && line[begin + 1] == '[';
  const std::size_t name = line.find_first_not_of(kBlanks, begin + (of_list ? 2 : 1));
  return name == std::string_view::npos || !begins_name(line[name]);
}

}  // namespace

void require_toml_text(const std::string& text, const std::string& name) {
  std::uint64_t number = 1;
  for (std::string_view rest = text; !rest.empty(); ++number) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() == rest.size() ? line.size() : line.size() + 1);
    for (const char c : line) {
      if (!is_plain(c)) {
        throw FileError(fmt::format("{}:{}: byte {:#04x}; expected plain text (ASCII)", name, number,
                                    static_cast<unsigned char>(c)));
      }
    }
    if (is_bad_header(line)) {
      throw FileError(fmt::format("{}:{}: expected a name behind the '['", name, number));
    }
  }
}

}  // namespace ringside::trace
