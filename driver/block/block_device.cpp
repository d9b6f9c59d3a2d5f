#include "driver/block/block_device.h"

namespace ringside::block {
namespace {

constexpr std::uint32_t kSectorsPerBlock = kBlockSize / kSectorSize;
constexpr std::uint64_t kLastBlock = ~std::uint64_t{0} / kSectorsPerBlock;  // beyond it the sector number would wrap

Request data_request(Operation operation, std::uint64_t sector, const Segment& segment) {
  Request request;
  request.operation = operation;
  request.sector = sector;
  request.segments = &segment;
  request.segment_count = 1;
  return request;
}

}  // namespace

const char* to_string(Status status) {
  switch (status) {
    case Status::ok:
      return "ok";
    case Status::pending:
      return "pending";
    case Status::io_error:
      return "I/O error";
    case Status::unsupported:
      return "unsupported";
    case Status::refused:
      return "refused";
    case Status::timed_out:
      return "timed out";
    case Status::device_lost:
      return "device lost";
  }
  return "?";
}

Status BlockDevice::execute(Request& request) {
  Request* const one = &request;
  while (submit(&one, 1) == 0) {
    if (wait_queue(request.queue, 1) == 0) {
      return request.status = Status::device_lost;  // the ring is full and nothing will ever complete
    }
  }
  while (request.status == Status::pending) {
    wait_queue(request.queue, 1);
  }
  return request.status;
}

Status BlockDevice::read(std::uint64_t sector, void* data, std::uint32_t bytes) {
  const Segment segment{data, bytes};
  Request request = data_request(Operation::read, sector, segment);
  return execute(request);
}

Status BlockDevice::write(std::uint64_t sector, void* data, std::uint32_t bytes) {
  const Segment segment{data, bytes};
  Request request = data_request(Operation::write, sector, segment);
  return execute(request);
}

Status BlockDevice::flush() {
  Request request;
  request.operation = Operation::flush;
  return execute(request);
}

Status BlockDevice::get_id(void* id) {
  const Segment segment{id, kIdSize};
  Request request = data_request(Operation::get_id, 0, segment);
  return execute(request);
}

Status BlockDevice::discard(std::uint64_t sector, std::uint32_t sectors) {
  Request request;
  request.operation = Operation::discard;
  request.sector = sector;
  request.sector_count = sectors;
  return execute(request);
}

Status BlockDevice::write_zeroes(std::uint64_t sector, std::uint32_t sectors, bool unmap) {
  Request request;
  request.operation = Operation::write_zeroes;
  request.sector = sector;
  request.sector_count = sectors;
  request.unmap = unmap;
  return execute(request);
}

Status BlockDevice::secure_erase(std::uint64_t sector, std::uint32_t sectors) {
  Request request;
  request.operation = Operation::secure_erase;
  request.sector = sector;
  request.sector_count = sectors;
  return execute(request);
}

Status BlockDevice::get_lifetime(void* lifetime) {
  const Segment segment{lifetime, kLifetimeSize};
  Request request = data_request(Operation::get_lifetime, 0, segment);
  return execute(request);
}

Status BlockDevice::read_block(std::uint64_t block, void* data) {
  return block > kLastBlock ? Status::refused : read(block * kSectorsPerBlock, data, kBlockSize);
}

Status BlockDevice::write_block(std::uint64_t block, void* data) {
  return block > kLastBlock ? Status::refused : write(block * kSectorsPerBlock, data, kBlockSize);
}

}  // namespace ringside::block
