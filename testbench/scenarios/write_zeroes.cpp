#include <initializer_list>

#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

constexpr std::uint32_t kSectors = 64;
constexpr std::uint32_t kBytes = kSectors * block::kSectorSize;

void zero_inside(Context& context, block::BlockDevice& disk, Buffer& data, std::uint32_t sectors, bool unmap) {
  const std::uint64_t place = random_place(context, disk.info().sectors, kSectors);
  const std::uint32_t first = (kSectors - sectors) / 2;
  for (std::uint32_t i = 0; i < kSectors; ++i) {
    fill(data.data(i * std::size_t{block::kSectorSize}), block::kSectorSize, place + i);
  }
  context.check(disk.write(place, data.data(), kBytes) == block::Status::ok, "the write succeeds");
  context.check(disk.write_zeroes(place + first, sectors, unmap) == block::Status::ok, "the zeroing succeeds");
  context.check(disk.read(place, data.data(), kBytes) == block::Status::ok, "the read succeeds");
  bool right = true;
  for (std::uint32_t i = 0; i < kSectors; ++i) {
    const std::uint8_t* const sector = data.data(i * std::size_t{block::kSectorSize});
    const bool zeroed = i >= first && i < first + sectors;
    right = right && (zeroed ? is_zero(sector, block::kSectorSize) : is_filled(sector, block::kSectorSize, place + i));
  }
  context.check(right, "the range reads as zero and nothing around it changed");
}

}  // namespace

void write_zeroes(Context& context) {
  block::BlockDevice* const disk = context.open();
  if (disk == nullptr || !context.check(disk->info().sectors >= kSectors, "the disk is big enough")) {
    return;
  }
  {
    Buffer data(context, kBytes, 4096);
    if (data.valid()) {
      for (const bool unmap : {false, true}) {
        for (std::uint32_t sectors = 1; sectors < kSectors; sectors = sectors * 2 + 1) {
          zero_inside(context, *disk, data, sectors, unmap);
        }
      }
    }
  }
  disk->shutdown();
}

}  // namespace ringside::scenarios
