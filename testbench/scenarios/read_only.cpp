// A read-only disk: read it, and be refused everything that would change it, first by the driver and then by the
// device.
#include <initializer_list>

#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

void try_to_change(Context& context, block::BlockDevice& disk, Buffer& data, bool driver_checks) {
  const std::uint64_t place = random_place(context, disk.info().sectors, 8);
  context.check(disk.read(place, data.data(), block::kBlockSize) == block::Status::ok, "it can be read");
  const std::uint64_t before = context.bench().hash(data.data(), block::kBlockSize);
  context.observe("contents", before);

  fill(data.data(), block::kBlockSize, 7);
  const block::Status statuses[] = {disk.write(place, data.data(), block::kBlockSize), disk.discard(place, 8),
                                    disk.write_zeroes(place, 8, false)};
  for (const block::Status status : statuses) {
    context.observe("status of a change", static_cast<std::uint64_t>(status));
    context.check(status != block::Status::ok, "it cannot be changed");
    context.check(!driver_checks || status == block::Status::refused || status == block::Status::unsupported,
                  "the driver does not even ask");
  }
  context.check(disk.read(place, data.data(), block::kBlockSize) == block::Status::ok, "it can still be read");
  context.check(context.bench().hash(data.data(), block::kBlockSize) == before, "and is as it was");
}

}  // namespace

void read_only(Context& context) {
  for (const bool driver_checks : {true, false}) {
    block::Options options;
    options.check_requests = driver_checks;
    block::BlockDevice* const disk = context.open(options);
    if (disk == nullptr) {
      return;
    }
    context.check(disk->info().read_only, "it says that it is read-only");
    {
      Buffer data(context, block::kBlockSize, 4096);
      if (data.valid()) {
        try_to_change(context, *disk, data, driver_checks);
      }
    }
    disk->shutdown();
  }
}

}  // namespace ringside::scenarios
