// What a request must look like, whatever device it goes to.
#pragma once

#include <cstdint>

#include "driver/block/block_device.h"
#include "driver/hal/bits.h"

namespace ringside::block {

// read, write, get_id and get_lifetime move bytes; discard, write_zeroes and secure_erase name a range.
[[nodiscard]] constexpr bool moves_data(Operation operation) {
  return operation == Operation::read || operation == Operation::write || operation == Operation::get_id ||
         operation == Operation::get_lifetime;
}
[[nodiscard]] constexpr bool names_range(Operation operation) {
  return operation == Operation::discard || operation == Operation::write_zeroes ||
         operation == Operation::secure_erase;
}

// The address bits that are 0 in what is aligned so; none for what is no power of two.
[[nodiscard]] constexpr std::uintptr_t address_bits_below(std::uint32_t alignment) {
  return hal::is_power_of_two(alignment) ? alignment - 1 : 0;
}

// Every segment has a place and a size.
[[nodiscard]] bool well_formed(const Request& request);
// Of a well-formed request.
[[nodiscard]] std::uint64_t data_bytes(const Request& request);

[[nodiscard]] inline bool within_disk(const DiskInfo& info, std::uint64_t sector, std::uint64_t sectors) {
  return sector <= info.sectors && sectors <= info.sectors - sector;  // never their sum: it may wrap
}

// A read or write of `bytes` bytes: whole logical blocks inside the disk, and none written where nothing may be.
[[nodiscard]] inline bool transfer_allowed(const DiskInfo& info, const Request& request, std::uint64_t bytes) {
  // A block's size is a power of two: no division on a request's path.
  const std::uint64_t in_block = info.block_size - 1;
  const bool whole_blocks = bytes != 0 && (bytes & in_block) == 0 && (request.sector & in_block / kSectorSize) == 0;
  const bool may_write = request.operation == Operation::read || !info.read_only;
  return whole_blocks && may_write && within_disk(info, request.sector, bytes / kSectorSize);
}

}  // namespace ringside::block
