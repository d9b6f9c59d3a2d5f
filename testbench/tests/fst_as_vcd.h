// What GTKWave's fst2vcd makes of an FST file, by the same reader.
#pragma once

#include <string>

namespace ringside::trace {

// Throws std::runtime_error for what is no FST file, and in a build without GTKWave's FST library.
void fst_as_vcd(const std::string& fst, const std::string& vcd);

}  // namespace ringside::trace
