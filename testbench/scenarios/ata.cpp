// No virtio disk: the boot goes on to the legacy ports. The disk is a little larger than 28 bits of sector number can
// tell, so that both kinds of address are used.
#include <initializer_list>

#include "testbench/scenarios/boot_disk.h"
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

constexpr std::uint32_t kBytes = 9 * block::kSectorSize;
constexpr std::uint64_t kLba28End = std::uint64_t{1} << 28;

// In three pieces, none of whose ends is a word's.
void write_and_read(Context& context, block::BlockDevice& disk, std::uint8_t* data, std::uint64_t sector) {
  const block::Segment pieces[] = {{data, 511}, {data + 511, 1026}, {data + 1537, kBytes - 1537}};
  block::Request request;
  request.sector = sector;
  request.segments = pieces;
  request.segment_count = 3;
  request.operation = block::Operation::write;
  fill(data, kBytes, sector);
  context.check(disk.execute(request) == block::Status::ok, "the write succeeds");
  fill(data, kBytes, ~sector);
  request.operation = block::Operation::read;
  context.check(disk.execute(request) == block::Status::ok, "the read succeeds");
  context.check(is_filled(data, kBytes, sector), "what was written is read");
}

struct Pending {
  block::Request request;
  block::Segment segment;
  unsigned completions = 0;
};

void done(block::Request& request) { ++static_cast<Pending*>(request.user)->completions; }

// Several requests submitted together: they are done one after the other, each once, none inside submit().
void together(Context& context, block::BlockDevice& disk, std::uint8_t* data) {
  constexpr std::uint16_t kRequests = 4;
  Pending pending[kRequests];
  block::Request* batch[kRequests];
  for (std::uint16_t i = 0; i < kRequests; ++i) {
    Pending& one = pending[i];
    one.segment = {data + i * std::size_t{block::kSectorSize}, block::kSectorSize};
    one.request.operation = block::Operation::write;
    one.request.sector = 100 + i;
    one.request.segments = &one.segment;
    one.request.segment_count = 1;
    one.request.done = done;
    one.request.user = &one;
    fill(data + i * std::size_t{block::kSectorSize}, block::kSectorSize, i);
    batch[i] = &one.request;
  }
  context.check(disk.submit(batch, kRequests) == kRequests, "all are taken");
  context.check(pending[0].completions == 0 && disk.in_flight() == kRequests, "none is done yet");
  context.check(disk.wait(kRequests) == kRequests, "all are done");
  bool right = true;
  for (std::uint16_t i = 0; i < kRequests; ++i) {
    right = right && pending[i].completions == 1 && pending[i].request.status == block::Status::ok;
    right = right && disk.read(100 + i, data, block::kSectorSize) == block::Status::ok;
    right = right && is_filled(data, block::kSectorSize, i);
  }
  context.check(right, "each once, and right");
}

void refusals(Context& context, block::BlockDevice& disk, std::uint8_t* data) {
  const std::uint64_t end = disk.info().sectors;
  context.check(disk.read(end, data, block::kSectorSize) == block::Status::refused, "nothing lies beyond the end");
  context.check(disk.read(end - 1, data, 2 * block::kSectorSize) == block::Status::refused, "nor across it");
  context.check(disk.write(0, data, 100) == block::Status::refused, "a part of a sector is refused");
  context.check(disk.discard(0, 8) == block::Status::unsupported, "such a disk discards nothing");
}

}  // namespace

void ata(Context& context) {
  const block::Boot booted = boot(context);
  context.check(booted.source == block::BootSource::ata, "the disk on the legacy ports is taken");
  auto* const data = static_cast<std::uint8_t*>(context.machine().alloc_private(kBytes, 16));
  if (booted.disk == nullptr || !context.check(data != nullptr, "there is private memory")) {
    return;
  }
  block::BlockDevice& disk = *booted.disk;
  context.observe("sectors", disk.info().sectors);
  context.check(booted.file_system == block::eclipsefs::Result::no_file_system, "there is no file system on it yet");
  if (!context.check(disk.info().sectors > kLba28End + 100, "the disk is big enough")) {
    return;
  }
  context.check(disk.get_id(data) == block::Status::ok, "it has a serial number");
  context.observe("serial number", context.bench().hash(data, block::kIdSize));
  for (const std::uint64_t sector : {std::uint64_t{0}, std::uint64_t{0x12345}, kLba28End - 9, kLba28End - 8, kLba28End,
                                     disk.info().sectors - kBytes / block::kSectorSize}) {
    write_and_read(context, disk, data, sector);
  }
  together(context, disk, data);
  refusals(context, disk, data);
  if (const Image image = make_image(context); image.bytes != nullptr) {
    put_image(context, disk, image);
    check_image(context, disk);
  }
  context.check(disk.counters().timeouts == 0 && disk.counters().resets == 0, "nothing timed out");
  disk.shutdown();
}

}  // namespace ringside::scenarios
