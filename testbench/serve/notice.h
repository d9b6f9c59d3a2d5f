// What a server tells whoever started it.
#pragma once

#include <functional>
#include <string>

namespace ringside::serve {

// A line each.
using Notice = std::function<void(const std::string& line)>;

}  // namespace ringside::serve
