// Booting as the driver's users do, and a file system to find on a disk.
#pragma once

#include "driver/block/boot.h"
#include "testbench/scenarios/context.h"

namespace ringside::scenarios {

// The driver's whole boot, with these options for the virtio disk.
[[nodiscard]] block::Boot boot(Context& context, const block::Options& options = {});

// A small EclipseFS in private memory: three entries in the root, a file of several blocks among them. Null after a
// failed check.
struct Image {
  std::uint8_t* bytes = nullptr;
  std::uint32_t size = 0;  // a multiple of the block size
};
inline constexpr std::uint32_t kImageInodes = 4;
inline constexpr std::uint32_t kLargeFileInode = 3;
inline constexpr std::uint32_t kLargeFileBytes = 9000;
inline constexpr std::uint64_t kLargeFileKey = 41;
[[nodiscard]] Image make_image(Context& context);

// Writes it to the start of a disk, block by block, and reads every block back.
void put_image(Context& context, block::BlockDevice& disk, const Image& image);

// Lists the root and compares the large file, byte by byte.
void check_image(Context& context, block::BlockDevice& disk);

}  // namespace ringside::scenarios
