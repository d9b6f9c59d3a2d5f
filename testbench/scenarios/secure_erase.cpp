// SECURE_ERASE: what was there cannot be read again, and its neighbours stay (VIRTIO 1.2, 5.2.6.2).
#include "driver/block/virtio_blk_spec.h"
#include "driver/virtio/spec.h"
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

constexpr std::uint32_t kSectors = 64;
constexpr std::uint32_t kBytes = kSectors * block::kSectorSize;
constexpr std::uint64_t kKey = 0x5ec4e7;

// Written with 64 sectors of secrets, of which the middle half is erased.
void erase_the_middle(Context& context, block::BlockDevice& disk, Buffer& data, std::uint64_t place) {
  fill(data.data(), kBytes, kKey);
  context.check(disk.write(place, data.data(), kBytes) == block::Status::ok, "the secret is written");
  context.check(disk.secure_erase(place + kSectors / 4, kSectors / 2) == block::Status::ok, "it is erased");

  Buffer again(context, kBytes, 4096);
  if (!again.valid() ||
      !context.check(disk.read(place, again.data(), kBytes) == block::Status::ok, "the place is read again")) {
    return;
  }
  constexpr std::size_t kQuarter = kBytes / 4;
  bool neighbours = true;
  bool gone = true;
  for (std::size_t i = 0; i < kBytes; i += block::kSectorSize) {
    bool same = true;
    for (std::size_t byte = i; byte < i + block::kSectorSize; ++byte) {
      same = same && again.data()[byte] == data.data()[byte];
    }
    const bool erased = i >= kQuarter && i < 3 * kQuarter;
    neighbours = neighbours && (erased || same);
    gone = gone && !(erased && same);
  }
  context.check(gone, "no sector of the secret is left");
  context.check(neighbours, "its neighbours are as they were");
}

}  // namespace

void secure_erase(Context& context) {
  block::BlockDevice* disk = context.open();
  if (disk == nullptr) {
    return;
  }
  context.observe("limit", disk->info().max_secure_erase_sectors);
  context.observe("alignment", disk->info().secure_erase_alignment);
  {
    Buffer data(context, kBytes, 4096);
    if (data.valid() && context.check(disk->info().max_secure_erase_sectors >= kSectors / 2, "so much can be erased")) {
      const std::uint64_t place = random_place(context, disk->info().sectors / kSectors, 1) * kSectors;
      erase_the_middle(context, *disk, data, place);
    }
    context.check(disk->secure_erase(disk->info().sectors, 8) == block::Status::refused, "not beyond the end");
  }
  disk->shutdown();

  block::Options options;
  options.features &= ~virtio::feature(block::VIRTIO_BLK_F_SECURE_ERASE);
  disk = context.open(options);
  if (disk == nullptr) {
    return;
  }
  context.check(disk->secure_erase(0, 8) == block::Status::unsupported, "without the feature it is not asked");
  disk->shutdown();
}

}  // namespace ringside::scenarios
