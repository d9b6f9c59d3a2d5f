// A wave as FST, by GTKWave's own writer: a tenth of the VCD's size, and opened at once whatever its length.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "testbench/trace/wave_format.h"

namespace ringside::trace {

// What this build lacks to write FST, and what to install; empty when it can.
[[nodiscard]] std::string fst_missing();

// Changes are kept in memory and written as a section when there are so many bytes of them: few enough that what the
// writer does with them happens in the cache.
inline constexpr std::size_t kFstSectionBytes = std::size_t{1} << 20;

// Throws FileError, also in a build that cannot.
[[nodiscard]] std::unique_ptr<WaveFormat> make_fst(const std::string& path, std::string_view comment,
                                                   std::size_t section_bytes = kFstSectionBytes);

}  // namespace ringside::trace
