#include <initializer_list>

#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

constexpr std::uint32_t kMaxSectors = 128;  // 64 KiB

// Writes a pattern somewhere with one sector of margin, and sees that it and nothing else changed.
void round_trip(Context& context, block::BlockDevice& disk, Buffer& data, Buffer& margin, std::uint32_t sectors) {
  const std::uint32_t bytes = sectors * block::kSectorSize;
  const std::uint64_t place = 1 + random_place(context, disk.info().sectors - 2, sectors);
  const std::uint64_t key = context.random().next();

  context.check(disk.read(place - 1, margin.data(), block::kSectorSize) == block::Status::ok,
                "the sector before reads");
  const std::uint64_t before = context.bench().hash(margin.data(), block::kSectorSize);
  context.check(disk.read(place + sectors, margin.data(), block::kSectorSize) == block::Status::ok,
                "the sector behind reads");
  const std::uint64_t behind = context.bench().hash(margin.data(), block::kSectorSize);

  fill(data.data(), bytes, key);
  context.check(disk.write(place, data.data(), bytes) == block::Status::ok, "the write succeeds");
  fill(data.data(), bytes, ~key);
  context.check(disk.read(place, data.data(), bytes) == block::Status::ok, "the read succeeds");
  context.check(is_filled(data.data(), bytes, key), "what was written is read");

  static_cast<void>(disk.read(place - 1, margin.data(), block::kSectorSize));
  context.check(context.bench().hash(margin.data(), block::kSectorSize) == before, "the sector before is as it was");
  static_cast<void>(disk.read(place + sectors, margin.data(), block::kSectorSize));
  context.check(context.bench().hash(margin.data(), block::kSectorSize) == behind, "the sector behind is as it was");
}

// The first and the last block of the disk, by the 4096-byte calls.
void blocks_at_the_ends(Context& context, block::BlockDevice& disk, Buffer& data) {
  const std::uint64_t last = disk.info().sectors * block::kSectorSize / block::kBlockSize - 1;
  for (const std::uint64_t block : {std::uint64_t{0}, last}) {
    fill(data.data(), block::kBlockSize, block + 1);
    context.check(disk.write_block(block, data.data()) == block::Status::ok, "the block is written");
    fill(data.data(), block::kBlockSize, 0);
    context.check(disk.read_block(block, data.data()) == block::Status::ok, "the block is read");
    context.check(is_filled(data.data(), block::kBlockSize, block + 1), "what was written is read");
  }
}

}  // namespace

void read_write(Context& context) {
  block::BlockDevice* const disk = context.open();
  if (disk == nullptr || !context.check(disk->info().sectors >= kMaxSectors + 8, "the disk is big enough")) {
    return;
  }
  {
    Buffer data(context, kMaxSectors * block::kSectorSize, 4096);
    Buffer margin(context, block::kSectorSize);
    if (data.valid() && margin.valid()) {
      for (std::uint32_t sectors = 1; sectors <= kMaxSectors; sectors *= 2) {
        round_trip(context, *disk, data, margin, sectors);
        round_trip(context, *disk, data, margin, sectors - sectors / 3);
      }
      blocks_at_the_ends(context, *disk, data);
    }
  }
  disk->shutdown();
}

}  // namespace ringside::scenarios
