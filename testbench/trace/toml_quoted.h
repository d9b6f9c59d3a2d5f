// Text as TOML has it, for files that this project writes and reads (toml_text.h).
#pragma once

#include <string>
#include <string_view>

namespace ringside::trace {

[[nodiscard]] std::string toml_quoted(std::string_view text);
// In ''' as it is, on lines of its own. What cannot stand there is escaped, in quotes.
[[nodiscard]] std::string toml_quoted_lines(std::string_view text);

}  // namespace ringside::trace
