// Requests that must not succeed. First the driver refuses them and nothing crosses the interface; then its checks are
// off, and the device has to.
#include <initializer_list>

#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

constexpr std::uint64_t kFar = ~std::uint64_t{0} - 7;  // sector + 8 wraps to 0

struct Bad {
  const char* what;
  block::Operation operation;
  std::uint64_t sector;
  std::uint32_t bytes;     // of data, or sectors of a range
  bool device_may_accept;  // the specification leaves it to the device
};

block::Status send(block::BlockDevice& disk, Buffer& data, const Bad& bad) {
  block::Segment segment{data.data(), bad.bytes};
  block::Request request;
  request.operation = bad.operation;
  request.sector = bad.sector;
  const bool range = bad.operation == block::Operation::discard || bad.operation == block::Operation::write_zeroes;
  if (range) {
    request.sector_count = bad.bytes;
  } else if (bad.bytes != 0) {
    request.segments = &segment;
    request.segment_count = 1;
  }
  return disk.execute(request);
}

void send_all(Context& context, block::BlockDevice& disk, Buffer& data, bool driver_checks) {
  using block::Operation;
  const std::uint64_t end = disk.info().sectors;
  const Bad all[] = {
      {"read beyond the end", Operation::read, end, 512, false},
      {"read across the end", Operation::read, end - 1, 1024, false},
      {"read at a sector that overflows", Operation::read, kFar, 4096, false},
      {"read of half a sector", Operation::read, 0, 256, false},
      {"read of nothing", Operation::read, 0, 0, true},
      {"write beyond the end", Operation::write, end, 512, false},
      {"write across the end", Operation::write, end - 1, 1024, false},
      {"write at a sector that overflows", Operation::write, kFar, 4096, false},
      {"write of a sector and a byte", Operation::write, 0, 513, false},
      {"discard beyond the end", Operation::discard, end, 8, false},
      {"discard at a sector that overflows", Operation::discard, kFar, 8, false},
      {"discard of more than allowed", Operation::discard, 0, 0xffff'ffff, false},
      {"write zeroes across the end", Operation::write_zeroes, end - 4, 8, false},
      {"write zeroes of more than allowed", Operation::write_zeroes, 0, 0xffff'ffff, false},
  };
  for (const Bad& bad : all) {
    const block::Status status = send(disk, data, bad);
    context.observe(bad.what, static_cast<std::uint64_t>(status));
    if (driver_checks) {
      context.check(status == block::Status::refused, "the driver refuses it");
    } else if (!bad.device_may_accept) {
      context.check(status == block::Status::io_error || status == block::Status::unsupported, "the device refuses it");
    }
  }
}

}  // namespace

void refused(Context& context) {
  for (const bool driver_checks : {true, false}) {
    block::Options options;
    options.check_requests = driver_checks;
    block::BlockDevice* const disk = context.open(options);
    if (disk == nullptr) {
      return;
    }
    {
      Buffer data(context, block::kBlockSize, 4096);
      if (data.valid()) {
        fill(data.data(), data.size(), 7);
        send_all(context, *disk, data, driver_checks);
        context.check(disk->read(0, data.data(), block::kSectorSize) == block::Status::ok,
                      "a good request still works");
      }
    }
    disk->shutdown();
  }
}

}  // namespace ringside::scenarios
