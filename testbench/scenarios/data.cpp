#include "testbench/scenarios/data.h"

#include <bit>

namespace ringside::scenarios {
namespace {

static_assert(std::endian::native == std::endian::little, "the low byte of a word is its first one");

// Calls piece(at, word, bytes) for each eight bytes, or what is left of them: a buffer may start anywhere.
template <class Piece>
bool by_word(std::size_t size, std::uint64_t key, Piece piece) {
  Random random(key);
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    const std::size_t left = size - at;
    if (!piece(at, random.next(), left < sizeof(std::uint64_t) ? left : sizeof(std::uint64_t))) {
      return false;
    }
  }
  return true;
}

}  // namespace

void fill(std::uint8_t* data, std::size_t size, std::uint64_t key) {
  static_cast<void>(by_word(size, key, [&](std::size_t at, std::uint64_t word, std::size_t bytes) {
    __builtin_memcpy(data + at, &word, bytes);
    return true;
  }));
}

bool is_filled(const std::uint8_t* data, std::size_t size, std::uint64_t key) {
  return by_word(size, key, [&](std::size_t at, std::uint64_t word, std::size_t bytes) {
    std::uint64_t found = word;
    __builtin_memcpy(&found, data + at, bytes);
    return found == word;
  });
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
