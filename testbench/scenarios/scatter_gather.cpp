// A device may not assume anything of how a message is cut into descriptors (VIRTIO 1.2, 2.7.4.1), so pieces have odd
// sizes; only their sum is a multiple of the sector size.
#include <initializer_list>

#include "driver/virtio/spec.h"
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

constexpr std::uint16_t kMaxPieces = 62;
constexpr std::uint32_t kPieceRoom = 2048;

// `count` pieces whose sizes add up to whole sectors. Returns the sum.
std::uint32_t cut(Context& context, Buffer& memory, block::Segment* pieces, std::uint16_t count) {
  std::uint32_t sum = 0;
  for (std::uint16_t i = 0; i < count; ++i) {
    std::uint32_t size = 1 + static_cast<std::uint32_t>(context.random().below(1024));
    if (i + 1 == count) {
      size += block::kSectorSize - (sum + size) % block::kSectorSize;
    }
    const std::size_t shift = context.random().below(kPieceRoom - size);
    pieces[i] = {memory.data(i * std::size_t{kPieceRoom} + shift), size};
    sum += size;
  }
  return sum;
}

// The same bytes in `count` other pieces, none of a whole number of sectors but by chance.
void recut(Buffer& memory, block::Segment* pieces, std::uint16_t count, std::uint32_t bytes) {
  std::uint32_t done = 0;
  for (std::uint16_t i = 0; i < count; ++i) {
    const std::uint32_t pieces_left = count - std::uint32_t{i};
    const std::uint32_t size = (bytes - done) / pieces_left;
    pieces[i] = {memory.data(done), size};
    done += size;
  }
}

void scatter(const std::uint8_t* from, const block::Segment* pieces, std::uint16_t count) {
  for (std::uint16_t i = 0; i < count; ++i) {
    auto* const to = static_cast<std::uint8_t*>(pieces[i].data);
    for (std::uint32_t byte = 0; byte < pieces[i].size; ++byte) {
      to[byte] = *from++;
    }
  }
}

bool gathered(const std::uint8_t* expected, const block::Segment* pieces, std::uint16_t count) {
  for (std::uint16_t i = 0; i < count; ++i) {
    const auto* const piece = static_cast<const std::uint8_t*>(pieces[i].data);
    for (std::uint32_t byte = 0; byte < pieces[i].size; ++byte) {
      if (piece[byte] != *expected++) {
        return false;
      }
    }
  }
  return true;
}

block::Status move(block::BlockDevice& disk, block::Operation operation, std::uint64_t sector,
                   const block::Segment* pieces, std::uint16_t count) {
  block::Request request;
  request.operation = operation;
  request.sector = sector;
  request.segments = pieces;
  request.segment_count = count;
  return disk.execute(request);
}

void rounds(Context& context, block::BlockDevice& disk, Buffer& memory, Buffer& whole, std::uint16_t limit) {
  block::Segment pieces[kMaxPieces];
  for (std::uint16_t count = 1; count <= limit; count = static_cast<std::uint16_t>(count < 4 ? count + 1 : count * 2)) {
    const std::uint32_t bytes = cut(context, memory, pieces, count);
    const std::uint64_t place = random_place(context, disk.info().sectors, bytes / block::kSectorSize);
    fill(whole.data(), bytes, context.random().next());

    scatter(whole.data(), pieces, count);
    context.check(move(disk, block::Operation::write, place, pieces, count) == block::Status::ok, "the write succeeds");
    block::Segment one{memory.data(), bytes};
    context.check(move(disk, block::Operation::read, place, &one, 1) == block::Status::ok, "the read succeeds");
    context.check(gathered(whole.data(), &one, 1), "the pieces arrived in order");

    fill(whole.data(), bytes, context.random().next());
    one = {whole.data(), bytes};
    context.check(move(disk, block::Operation::write, place, &one, 1) == block::Status::ok, "the write succeeds");
    recut(memory, pieces, count, bytes);
    context.check(move(disk, block::Operation::read, place, pieces, count) == block::Status::ok, "the read succeeds");
    context.check(gathered(whole.data(), pieces, count), "the pieces arrived in order");
  }
}

}  // namespace

void scatter_gather(Context& context) {
  for (const bool indirect : {true, false}) {
    block::Options options;
    if (!indirect) {
      options.features &= ~virtio::feature(virtio::VIRTIO_F_INDIRECT_DESC);
    }
    block::BlockDevice* const disk = context.open(options);
    if (disk == nullptr || !context.check(disk->info().sectors >= kMaxPieces * 4, "the disk is big enough")) {
      return;
    }
    {
      Buffer memory(context, kMaxPieces * kPieceRoom, 4096);
      Buffer whole(context, kMaxPieces * kPieceRoom, 4096);
      if (memory.valid() && whole.valid()) {
        const std::uint32_t limit = disk->info().max_segments < kMaxPieces ? disk->info().max_segments : kMaxPieces;
        rounds(context, *disk, memory, whole, static_cast<std::uint16_t>(limit));
      }
    }
    disk->shutdown();
  }
}

}  // namespace ringside::scenarios
