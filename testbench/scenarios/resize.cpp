// The disk grows and shrinks while it is in use: the driver learns it from the device, and tells its user.
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {
namespace {

struct Seen {
  std::uint64_t changes = 0;
  std::uint64_t sectors = 0;
};

void changed(block::BlockDevice& disk, void* user) {
  Seen& seen = *static_cast<Seen*>(user);
  ++seen.changes;
  seen.sectors = disk.info().sectors;
}

bool resize_to(Context& context, block::BlockDevice& disk, const Seen& seen, std::uint64_t sectors) {
  if (!context.check(context.bench().ask(Ask::resize, sectors) != 0, "the disk is resized")) {
    return false;
  }
  const std::uint64_t deadline = context.machine().now() + 2 * hal::kSecond;
  while (disk.info().sectors != sectors && context.machine().now() < deadline) {
    static_cast<void>(disk.poll());
    context.machine().relax(deadline);
  }
  context.check(disk.info().sectors == sectors, "the driver knows the new size");
  return context.check(seen.sectors == sectors, "its user was told");
}

}  // namespace

void resize(Context& context) {
  Seen seen;
  block::Options options;
  options.changed = changed;
  options.changed_user = &seen;
  block::BlockDevice* const disk = context.open(options);
  if (disk == nullptr) {
    return;
  }
  const std::uint64_t before = disk->info().sectors;
  const std::uint64_t more = before + 2048;
  {
    Buffer data(context, block::kBlockSize, 4096);
    if (data.valid() && resize_to(context, *disk, seen, more)) {
      fill(data.data(), block::kBlockSize, 3);
      context.check(disk->write(more - 8, data.data(), block::kBlockSize) == block::Status::ok,
                    "the new end is written");
      fill(data.data(), block::kBlockSize, 4);
      context.check(disk->read(more - 8, data.data(), block::kBlockSize) == block::Status::ok, "the new end is read");
      context.check(is_filled(data.data(), block::kBlockSize, 3), "what was written is read");
    }
    if (data.valid() && resize_to(context, *disk, seen, before)) {
      context.check(disk->read(before, data.data(), block::kBlockSize) == block::Status::refused,
                    "what is gone is not read");
    }
  }
  run_workload(context, *disk, Workload{});
  context.observe("changes", disk->counters().config_changes);
  context.check(seen.changes == disk->counters().config_changes, "each change was told once");
  check_counters(context, *disk);
  disk->shutdown();
}

}  // namespace ringside::scenarios
