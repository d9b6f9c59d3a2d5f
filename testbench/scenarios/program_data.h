// Data of programs. What a sector holds depends on its number and on a key, so that a read of any part of what was
// written can be checked, and a sector in the wrong place shows.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringside::scenarios {

void fill_sectors(std::uint8_t* data, std::size_t size, std::uint64_t key, std::uint64_t first_sector);
[[nodiscard]] bool holds_sectors(const std::uint8_t* data, std::size_t size, std::uint64_t key,
                                 std::uint64_t first_sector);
void fill_bytes(std::uint8_t* data, std::size_t size, std::uint8_t byte);
[[nodiscard]] bool holds_bytes(const std::uint8_t* data, std::size_t size, std::uint8_t byte);

}  // namespace ringside::scenarios
