// A disk of 4096-byte blocks. Its capacity and sector numbers still count 512 bytes (VIRTIO 1.2, 5.2.4).
#include <initializer_list>

#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

constexpr std::uint32_t kSectors = block::kBlockSize / block::kSectorSize;

void whole_blocks(Context& context, block::BlockDevice& disk, Buffer& data) {
  const std::uint64_t blocks = disk.info().sectors / kSectors;
  for (const std::uint64_t block : {std::uint64_t{0}, blocks / 2, blocks - 1}) {
    fill(data.data(), block::kBlockSize, block + 1);
    context.check(disk.write_block(block, data.data()) == block::Status::ok, "a block is written");
    fill(data.data(), block::kBlockSize, 0);
    context.check(disk.read_block(block, data.data()) == block::Status::ok, "a block is read");
    context.check(is_filled(data.data(), block::kBlockSize, block + 1), "what was written is read");
  }
}

// Half a block, and a block at half a block's place.
void fractions(Context& context, block::BlockDevice& disk, Buffer& data, bool driver_checks) {
  const block::Status statuses[] = {disk.read(0, data.data(), block::kSectorSize),
                                    disk.read(kSectors / 2, data.data(), block::kBlockSize),
                                    disk.write(1, data.data(), block::kBlockSize)};
  for (const block::Status status : statuses) {
    context.observe("status of a fraction", static_cast<std::uint64_t>(status));
    context.check(!driver_checks || status == block::Status::refused, "the driver sends whole blocks only");
  }
}

}  // namespace

void block_size_4k(Context& context) {
  for (const bool driver_checks : {true, false}) {
    block::Options options;
    options.check_requests = driver_checks;
    block::BlockDevice* const disk = context.open(options);
    if (disk == nullptr) {
      return;
    }
    context.check(disk->info().block_size == block::kBlockSize, "its block has 4096 bytes");
    context.observe("physical block exponent", disk->info().topology.physical_block_exponent);
    {
      Buffer data(context, block::kBlockSize, 4096);
      if (data.valid()) {
        whole_blocks(context, *disk, data);
        fractions(context, *disk, data, driver_checks);
      }
    }
    disk->shutdown();
  }
}

}  // namespace ringside::scenarios
