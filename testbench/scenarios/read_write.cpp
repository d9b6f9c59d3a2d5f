#include <initializer_list>

#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

constexpr std::uint32_t kMaxBytes = 64u << 10;

// Writes a pattern somewhere with one block of margin, and sees that it and nothing else changed. A block is the
// device's logical one: a request of less, or at another boundary, it may refuse.
void round_trip(Context& context, block::BlockDevice& disk, Buffer& data, Buffer& margin, std::uint32_t blocks) {
  const std::uint32_t block_bytes = disk.info().block_size;
  const std::uint32_t block_sectors = block_bytes / block::kSectorSize;
  const std::uint32_t bytes = blocks * block_bytes;
  const std::uint64_t place =
      (1 + random_place(context, disk.info().sectors / block_sectors - 2, blocks)) * block_sectors;
  const std::uint64_t end = place + std::uint64_t{blocks} * block_sectors;
  const std::uint64_t key = context.random().next();

  context.check(disk.read(place - block_sectors, margin.data(), block_bytes) == block::Status::ok,
                "the block before reads");
  const std::uint64_t before = context.bench().hash(margin.data(), block_bytes);
  context.check(disk.read(end, margin.data(), block_bytes) == block::Status::ok, "the block behind reads");
  const std::uint64_t behind = context.bench().hash(margin.data(), block_bytes);

  fill(data.data(), bytes, key);
  context.check(disk.write(place, data.data(), bytes) == block::Status::ok, "the write succeeds");
  fill(data.data(), bytes, ~key);
  context.check(disk.read(place, data.data(), bytes) == block::Status::ok, "the read succeeds");
  context.check(is_filled(data.data(), bytes, key), "what was written is read");

  static_cast<void>(disk.read(place - block_sectors, margin.data(), block_bytes));
  context.check(context.bench().hash(margin.data(), block_bytes) == before, "the block before is as it was");
  static_cast<void>(disk.read(end, margin.data(), block_bytes));
  context.check(context.bench().hash(margin.data(), block_bytes) == behind, "the block behind is as it was");
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
  if (disk == nullptr) {
    return;
  }
  const std::uint32_t block_bytes = disk->info().block_size;
  const std::uint32_t most = block_bytes < kMaxBytes ? kMaxBytes / block_bytes : 1;
  if (!context.check(disk->info().sectors / (block_bytes / block::kSectorSize) >= most + 8, "the disk is big enough")) {
    return;
  }
  {
    Buffer data(context, std::size_t{most} * block_bytes, 4096);
    Buffer margin(context, block_bytes);
    if (data.valid() && margin.valid()) {
      for (std::uint32_t blocks = 1; blocks <= most; blocks *= 2) {
        round_trip(context, *disk, data, margin, blocks);
        round_trip(context, *disk, data, margin, blocks - blocks / 3);
      }
      if (block_bytes <= block::kBlockSize) {
        blocks_at_the_ends(context, *disk, data);
      }
    }
  }
  disk->shutdown();
}

}  // namespace ringside::scenarios
