// What a request must look like, whatever device it goes to.
#pragma once

#include <cstdint>

#include "driver/block/block_device.h"

namespace ringside::block {

// read, write, get_id and get_lifetime move bytes; discard, write_zeroes and secure_erase name a range.
[[nodiscard]] bool moves_data(Operation operation);
[[nodiscard]] bool names_range(Operation operation);

// Every segment has a place and a size.
[[nodiscard]] bool well_formed(const Request& request);
// Of a well-formed request.
[[nodiscard]] std::uint64_t data_bytes(const Request& request);

[[nodiscard]] bool within_disk(const DiskInfo& info, std::uint64_t sector, std::uint64_t sectors);

// A read or write of `bytes` bytes: whole logical blocks inside the disk, and none written where nothing may be.
[[nodiscard]] bool transfer_allowed(const DiskInfo& info, const Request& request, std::uint64_t bytes);

}  // namespace ringside::block
