// Reads a whole disk, eight pieces at a time, and observes each piece's hash; then rewrites scattered blocks, sees them
// changed, and puts back what was there. The image ends as it began.
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

constexpr std::uint16_t kDepth = 8;
constexpr std::uint32_t kPieceSectors = 128;  // 64 KiB
constexpr std::uint32_t kPieceBytes = kPieceSectors * block::kSectorSize;
constexpr int kBlocks = 24;

struct Piece {
  block::Request request;
  block::Segment segment;
};

// Reads `count` pieces from `sector` on with one doorbell and observes them in order. Returns the sectors read.
std::uint64_t read_pieces(Context& context, block::BlockDevice& disk, Buffer& memory, std::uint64_t sector) {
  Piece pieces[kDepth];
  block::Request* requests[kDepth];
  std::uint16_t count = 0;
  std::uint64_t next = sector;
  const std::uint64_t end = disk.info().sectors;
  for (; count < kDepth && next < end; ++count) {
    const std::uint64_t left = end - next;
    const auto sectors = static_cast<std::uint32_t>(left < kPieceSectors ? left : kPieceSectors);
    Piece& piece = pieces[count];
    piece.segment = {memory.data(count * std::size_t{kPieceBytes}), sectors * block::kSectorSize};
    piece.request.operation = block::Operation::read;
    piece.request.sector = next;
    piece.request.segments = &piece.segment;
    piece.request.segment_count = 1;
    requests[count] = &piece.request;
    next += sectors;
  }
  std::size_t taken = disk.submit(requests, count);
  static_cast<void>(disk.wait(count));
  for (std::uint16_t i = 0; i < count; ++i) {
    const bool read = i < taken && pieces[i].request.status == block::Status::ok;
    context.check(read, "the piece is read");
    context.observe("piece", read ? context.bench().hash(pieces[i].segment.data, pieces[i].segment.size) : 0);
  }
  return next - sector;
}

void rewrite_and_restore(Context& context, block::BlockDevice& disk, Buffer& memory) {
  std::uint8_t* const kept = memory.data();
  std::uint8_t* const other = memory.data(block::kBlockSize);
  const std::uint64_t blocks = disk.info().sectors / (block::kBlockSize / block::kSectorSize);
  if (!context.check(blocks != 0, "the disk holds a block")) {
    return;
  }
  for (int round = 0; round < kBlocks; ++round) {
    const std::uint64_t block = context.random().below(blocks);
    const std::uint64_t key = context.random().next();
    context.check(disk.read_block(block, kept) == block::Status::ok, "the block is read");
    const std::uint64_t before = context.bench().hash(kept, block::kBlockSize);
    fill(other, block::kBlockSize, key);
    context.check(disk.write_block(block, other) == block::Status::ok, "the block is rewritten");
    fill(other, block::kBlockSize, ~key);
    context.check(disk.read_block(block, other) == block::Status::ok, "the block is read");
    context.check(is_filled(other, block::kBlockSize, key), "the block was rewritten");
    context.check(disk.write_block(block, kept) == block::Status::ok, "the block is restored");
    context.check(disk.flush() == block::Status::ok, "the flush succeeds");
    context.check(disk.read_block(block, other) == block::Status::ok, "the block is read");
    context.check(context.bench().hash(other, block::kBlockSize) == before, "the block is as it was");
  }
}

}  // namespace

void image(Context& context) {
  block::BlockDevice* const disk = context.open();
  if (disk == nullptr) {
    return;
  }
  {
    Buffer memory(context, kDepth * std::size_t{kPieceBytes}, 4096);
    if (memory.valid()) {
      context.observe("sectors", disk->info().sectors);
      for (std::uint64_t sector = 0; sector < disk->info().sectors;) {
        sector += read_pieces(context, *disk, memory, sector);
      }
      rewrite_and_restore(context, *disk, memory);
    }
  }
  disk->shutdown();
}

}  // namespace ringside::scenarios
