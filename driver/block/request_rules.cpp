#include "driver/block/request_rules.h"

namespace ringside::block {

bool moves_data(Operation operation) {
  return operation == Operation::read || operation == Operation::write || operation == Operation::get_id ||
         operation == Operation::get_lifetime;
}

bool names_range(Operation operation) {
  return operation == Operation::discard || operation == Operation::write_zeroes ||
         operation == Operation::secure_erase;
}

bool well_formed(const Request& request) {
  for (std::uint16_t i = 0; i < request.segment_count; ++i) {
    if (request.segments == nullptr || request.segments[i].data == nullptr || request.segments[i].size == 0) {
      return false;
    }
  }
  return true;
}

std::uint64_t data_bytes(const Request& request) {
  std::uint64_t bytes = 0;
  for (std::uint16_t i = 0; i < request.segment_count; ++i) {
    bytes += request.segments[i].size;
  }
  return bytes;
}

bool within_disk(const DiskInfo& info, std::uint64_t sector, std::uint64_t sectors) {
  return sector <= info.sectors && sectors <= info.sectors - sector;  // never their sum: it may wrap
}

bool transfer_allowed(const DiskInfo& info, const Request& request, std::uint64_t bytes) {
  // A block's size is a power of two: no division on a request's path.
  const std::uint64_t in_block = info.block_size - 1;
  const bool whole_blocks = bytes != 0 && (bytes & in_block) == 0 && (request.sector & in_block / kSectorSize) == 0;
  const bool may_write = request.operation == Operation::read || !info.read_only;
  return whole_blocks && may_write && within_disk(info, request.sector, bytes / kSectorSize);
}

}  // namespace ringside::block
