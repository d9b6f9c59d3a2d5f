#include "driver/block/virtio_rules.h"

#include <cstddef>
#include <cstdint>

#include "driver/block/virtio_blk_spec.h"
#include "driver/virtio/spec.h"

namespace ringside::block {
namespace {

bool has(const DiskInfo& info, unsigned bit) { return (info.features & virtio::feature(bit)) != 0; }

Status accept_if(bool condition) { return condition ? Status::ok : Status::refused; }

Status check_answer(const DiskInfo& info, const Request& request, std::size_t size) {
  return accept_if(allowed_bytes(info, request) == size);
}

Status check_range(const DiskInfo& info, const Request& request, unsigned feature_bit, std::uint32_t limit) {
  if (!has(info, feature_bit)) {
    return Status::unsupported;
  }
  return accept_if(request.sector_count != 0 && request.sector_count <= limit &&
                   within_disk(info, request.sector, request.sector_count) && !info.read_only);
}

}  // namespace

Status verdict_on_others(const DiskInfo& info, const Request& request) {
  switch (request.operation) {
    case Operation::read:
    case Operation::write:
      break;
    case Operation::get_id:
      return check_answer(info, request, kIdSize);
    case Operation::get_lifetime:
      return has(info, VIRTIO_BLK_F_LIFETIME) ? check_answer(info, request, kLifetimeSize) : Status::unsupported;
    case Operation::flush:
      return info.flush ? Status::ok : Status::unsupported;
    case Operation::discard:
      return check_range(info, request, VIRTIO_BLK_F_DISCARD, info.max_discard_sectors);
    case Operation::write_zeroes:
      return check_range(info, request, VIRTIO_BLK_F_WRITE_ZEROES, info.max_write_zeroes_sectors);
    case Operation::secure_erase:
      return check_range(info, request, VIRTIO_BLK_F_SECURE_ERASE, info.max_secure_erase_sectors);
  }
  return Status::refused;
}

}  // namespace ringside::block
