// Zeroes memory without making it resident: whole pages go back to where they came from.
#pragma once

#include <cstdint>

namespace ringside::model {

// Where the pages of a mapping come from. `unknown` is zeroed byte by byte.
enum class Pages : std::uint8_t { unknown, anonymous, shared_file };

void zero_memory(std::uint8_t* memory, std::uint64_t size, Pages pages);

}  // namespace ringside::model
