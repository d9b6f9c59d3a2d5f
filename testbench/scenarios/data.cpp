#include "testbench/scenarios/data.h"

namespace ringside::scenarios {
namespace {

// Eight bytes at a time, written bytewise: a buffer may start anywhere.
std::uint8_t byte_of(std::uint64_t word, std::size_t index) {
  return static_cast<std::uint8_t>(word >> (8 * (index % 8)));
}

}  // namespace

void fill(std::uint8_t* data, std::size_t size, std::uint64_t key) {
  Random random(key);
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < size; ++i) {
    word = i % 8 == 0 ? random.next() : word;
    data[i] = byte_of(word, i);
  }
}

bool is_filled(const std::uint8_t* data, std::size_t size, std::uint64_t key) {
  Random random(key);
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < size; ++i) {
    word = i % 8 == 0 ? random.next() : word;
    if (data[i] != byte_of(word, i)) {
      return false;
    }
  }
  return true;
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
