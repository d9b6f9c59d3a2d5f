// What a file has to be before the TOML library sees it. toml++ 3.3 goes by assumptions of its own, in place of
// refusing, where a letter outside ASCII stands in place of a space, or where a table's name begins with what begins no
// name: found by fuzzing.
#pragma once

#include <string>

namespace ringside::trace {

// Throws FileError with the line: `name`:LINE: ...
void require_toml_text(const std::string& text, const std::string& name);

}  // namespace ringside::trace
