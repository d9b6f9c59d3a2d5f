#include "testbench/scenarios/program_data.h"

#include "driver/block/block_device.h"
#include "testbench/scenarios/data.h"

namespace ringside::scenarios {
namespace {

std::uint64_t key_of(std::uint64_t key, std::uint64_t sector) { return key * 0x9e37'79b9'7f4a'7c15 + sector; }

std::size_t up_to_sector(std::size_t size, std::size_t done) {
  return size - done < block::kSectorSize ? size - done : block::kSectorSize;
}

}  // namespace

void fill_sectors(std::uint8_t* data, std::size_t size, std::uint64_t key, std::uint64_t first_sector) {
  for (std::size_t done = 0; done < size; done += block::kSectorSize) {
    fill(data + done, up_to_sector(size, done), key_of(key, first_sector++));
  }
}

bool holds_sectors(const std::uint8_t* data, std::size_t size, std::uint64_t key, std::uint64_t first_sector) {
  bool held = true;
  for (std::size_t done = 0; done < size; done += block::kSectorSize) {
    held = held && is_filled(data + done, up_to_sector(size, done), key_of(key, first_sector++));
  }
  return held;
}

void fill_bytes(std::uint8_t* data, std::size_t size, std::uint8_t byte) {
  for (std::size_t i = 0; i < size; ++i) {
    data[i] = byte;
  }
}

bool holds_bytes(const std::uint8_t* data, std::size_t size, std::uint8_t byte) {
  for (std::size_t i = 0; i < size; ++i) {
    if (data[i] != byte) {
      return false;
    }
  }
  return true;
}

}  // namespace ringside::scenarios
