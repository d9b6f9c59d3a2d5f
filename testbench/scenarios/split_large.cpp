// Requests that the device would not take as they are: the driver sends each as several, and its user does not notice.
#include <initializer_list>

#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

constexpr std::uint16_t kPieces = 1000;
constexpr std::uint32_t kRoom = 1024;  // per piece, so that a piece never lies right behind the one before it
constexpr std::uint32_t kLarge = 1u << 20;

block::Status move(block::BlockDevice& disk, block::Operation operation, std::uint64_t sector,
                   const block::Segment* pieces, std::uint16_t count) {
  block::Request request;
  request.operation = operation;
  request.sector = sector;
  request.segments = pieces;
  request.segment_count = count;
  return disk.execute(request);
}

// Groups of four pieces make two sectors, so that most cuts between pieces are no sector's end.
std::uint32_t cut(const Buffer& memory, block::Segment* pieces, std::uint16_t count) {
  constexpr std::uint32_t kSizes[] = {100, 413, 510, 1};
  std::uint32_t bytes = 0;
  for (std::uint16_t i = 0; i < count; ++i) {
    pieces[i] = {memory.data(i * std::size_t{kRoom}), kSizes[i % 4]};
    bytes += pieces[i].size;
  }
  return bytes;
}

void copy(const block::Segment* pieces, std::uint16_t count, std::uint8_t* whole, bool gather) {
  for (std::uint16_t i = 0; i < count; whole += pieces[i++].size) {
    auto* const piece = static_cast<std::uint8_t*>(pieces[i].data);
    for (std::uint32_t at = 0; at < pieces[i].size; ++at) {
      (gather ? whole[at] : piece[at]) = gather ? piece[at] : whole[at];
    }
  }
}

void many_pieces(Context& context, block::BlockDevice& disk, block::Segment* pieces) {
  const Buffer memory(context, kPieces * std::size_t{kRoom}, 4096);
  const Buffer whole(context, kPieces * std::size_t{kRoom}, 4096);
  if (!memory.valid() || !whole.valid()) {
    return;
  }
  for (const std::uint16_t count : {std::uint16_t{128}, std::uint16_t{500}, kPieces}) {
    const std::uint32_t bytes = cut(memory, pieces, count);
    const std::uint64_t place = random_place(context, disk.info().sectors, bytes / block::kSectorSize);
    const std::uint64_t key = context.random().next();
    fill(whole.data(), bytes, key);
    copy(pieces, count, whole.data(), false);
    context.check(move(disk, block::Operation::write, place, pieces, count) == block::Status::ok, "the write succeeds");
    fill(whole.data(), bytes, ~key);
    context.check(disk.read(place, whole.data(), bytes) == block::Status::ok, "the read succeeds");
    context.check(is_filled(whole.data(), bytes, key), "the pieces arrived in order");

    fill(memory.data(), memory.size(), ~key);
    context.check(move(disk, block::Operation::read, place, pieces, count) == block::Status::ok, "the read succeeds");
    copy(pieces, count, whole.data(), true);
    context.check(is_filled(whole.data(), bytes, key), "the pieces were read in order");
  }
}

void one_large_piece(Context& context, block::BlockDevice& disk) {
  const Buffer data(context, kLarge, 4096);
  if (!data.valid() || !context.check(disk.info().sectors > kLarge / block::kSectorSize, "the disk is big enough")) {
    return;
  }
  const std::uint64_t place = random_place(context, disk.info().sectors, kLarge / block::kSectorSize);
  const std::uint64_t key = context.random().next();
  fill(data.data(), kLarge, key);
  context.check(disk.write(place, data.data(), kLarge) == block::Status::ok, "the write succeeds");
  fill(data.data(), kLarge, ~key);
  context.check(disk.read(place, data.data(), kLarge) == block::Status::ok, "the read succeeds");
  context.check(is_filled(data.data(), kLarge, key), "what was written is read");
}

// A range longer than the device allows for one request; what lies around it must not change.
void long_ranges(Context& context, block::BlockDevice& disk) {
  constexpr std::uint32_t kSectors = 1000;
  constexpr std::uint32_t kAround = 8;
  const Buffer data(context, (kSectors + 2 * kAround) * std::size_t{block::kSectorSize}, 4096);
  if (!data.valid()) {
    return;
  }
  const auto bytes = static_cast<std::uint32_t>(data.size());
  const std::uint64_t place = random_place(context, disk.info().sectors, bytes / block::kSectorSize);
  const std::uint64_t key = context.random().next();
  context.check(disk.info().max_discard_sectors < kSectors && disk.info().max_write_zeroes_sectors < kSectors,
                "the ranges are too long for one request");
  fill(data.data(), bytes, key);
  context.check(disk.write(place, data.data(), bytes) == block::Status::ok, "the write succeeds");
  context.check(disk.discard(place + kAround, kSectors) == block::Status::ok, "the discard succeeds");
  context.check(disk.write_zeroes(place + kAround, kSectors, false) == block::Status::ok, "the zeroing succeeds");
  const Buffer found(context, data.size(), 4096);
  if (!found.valid()) {
    return;
  }
  context.check(disk.read(place, found.data(), bytes) == block::Status::ok, "the read succeeds");
  bool around = true;
  for (std::size_t i = 0; i < kAround * std::size_t{block::kSectorSize}; ++i) {
    around = around && *found.data(i) == *data.data(i);
    around = around && *found.data(bytes - 1 - i) == *data.data(bytes - 1 - i);
  }
  context.check(around, "nothing around the range changed");
  context.check(
      is_zero(found.data(kAround * std::size_t{block::kSectorSize}), kSectors * std::size_t{block::kSectorSize}),
      "all of the range reads as zero");
}

void out_of_range(Context& context, block::BlockDevice& disk) {
  const std::uint64_t end = disk.info().sectors;
  context.check(disk.discard(end - 500, 1000) == block::Status::refused, "a range beyond the end is not half done");
  context.check(disk.write_zeroes(end - 500, 1000, false) == block::Status::refused,
                "a range beyond the end is not half done");
}

block::Segment* piece_table(Context& context) {
  void* const place = context.machine().alloc_private(kPieces * sizeof(block::Segment), alignof(block::Segment));
  context.check(place != nullptr, "there is private memory");
  return static_cast<block::Segment*>(place);
}

}  // namespace

void split_large(Context& context) {
  block::Segment* const pieces = piece_table(context);
  block::BlockDevice* const disk = context.open();
  if (disk == nullptr || pieces == nullptr) {
    return;
  }
  many_pieces(context, *disk, pieces);
  long_ranges(context, *disk);
  out_of_range(context, *disk);
  disk->shutdown();
}

void split_size_max(Context& context) {
  block::Segment* const pieces = piece_table(context);
  block::BlockDevice* const disk = context.open();
  if (disk == nullptr || pieces == nullptr) {
    return;
  }
  context.check(disk->info().max_segment_size < kLarge, "the device limits the size of a segment");
  one_large_piece(context, *disk);
  many_pieces(context, *disk, pieces);
  disk->shutdown();
}

}  // namespace ringside::scenarios
