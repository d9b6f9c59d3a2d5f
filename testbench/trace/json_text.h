// Text of a log as JSON.
#pragma once

#include <string>
#include <string_view>

namespace ringside::trace {

// In quotes. Text in a log is bytes; JSON wants UTF-8: what is none is replaced.
[[nodiscard]] std::string json_quoted(std::string_view text);

}  // namespace ringside::trace
