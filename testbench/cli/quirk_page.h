// docs/qemu-differences.md, made from the model's table of quirks.
#pragma once

#include <string>

namespace ringside::cli {

// As Markdown.
[[nodiscard]] std::string quirk_page();

}  // namespace ringside::cli
