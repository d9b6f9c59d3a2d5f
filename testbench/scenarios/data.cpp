#include "testbench/scenarios/data.h"

#include <bit>

namespace ringside::scenarios {
namespace {

static_assert(std::endian::native == std::endian::little, "the low byte of a word is its first one");

// Calls piece(at, word, bytes) for each eight bytes, then for what is left of them. Whole words have a piece of their
// own, so that the copies are of a size that the compiler knows.
template <class Whole, class Rest>
bool by_word(std::size_t size, std::uint64_t key, Whole whole, Rest rest) {
  Random random(key);
  std::size_t at = 0;
  for (; size - at >= sizeof(std::uint64_t); at += sizeof(std::uint64_t)) {
    if (!whole(at, random.next())) {
      return false;
    }
  }
  return at == size || rest(at, random.next(), size - at);
}

}  // namespace

void fill(std::uint8_t* data, std::size_t size, std::uint64_t key) {
  const auto put = [&](std::size_t at, std::uint64_t word, std::size_t bytes) {
    __builtin_memcpy(data + at, &word, bytes);
    return true;
  };
  static_cast<void>(by_word(
      size, key, [&](std::size_t at, std::uint64_t word) { return put(at, word, sizeof word); }, put));
}

bool is_filled(const std::uint8_t* data, std::size_t size, std::uint64_t key) {
  const auto is = [&](std::size_t at, std::uint64_t word, std::size_t bytes) {
    std::uint64_t found = word;
    __builtin_memcpy(&found, data + at, bytes);
    return found == word;
  };
  return by_word(
      size, key, [&](std::size_t at, std::uint64_t word) { return is(at, word, sizeof word); }, is);
}

bool is_zero(const std::uint8_t* data, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    if (data[i] != 0) {
      return false;
    }
  }
  return true;
}

std::uint64_t random_place(Context& context, std::uint64_t disk_sectors, std::uint64_t sectors) {
  return disk_sectors > sectors ? context.random().below(disk_sectors - sectors + 1) : 0;
}

}  // namespace ringside::scenarios
