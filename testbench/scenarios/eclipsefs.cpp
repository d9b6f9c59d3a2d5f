// An EclipseFS on the virtio disk, found again by a boot; then the same with single fields changed to what a hostile
// disk might say.
#include "testbench/scenarios/boot_disk.h"
#include "testbench/scenarios/data.h"
#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

namespace fs = block::eclipsefs;

struct Hostile {
  const char* what;
  std::uint32_t at;  // bytes from the start of the disk
  unsigned bytes;
  std::uint64_t value;
  fs::Result expected;
};

constexpr std::uint32_t kTable = 4096;
constexpr std::uint32_t kRootRecord = kTable + kImageInodes * fs::kTableEntryBytes;
constexpr std::uint32_t kRootType = kRootRecord + fs::kRecordHeaderBytes + fs::kTagHeaderBytes;
// Nine attributes come before the entries: type, mode, uid, gid, size, three times, nlink.
constexpr std::uint32_t kRootEntries =
    kRootRecord + fs::kRecordHeaderBytes + 9 * fs::kTagHeaderBytes + 5 * 4 + 4 * 8 + fs::kTagHeaderBytes;

constexpr Hostile kAll[] = {
    {"another magic", 0, 1, 'e', fs::Result::no_file_system},
    {"another version", fs::kAtVersion, 4, 0x0003'0000, fs::Result::bad_version},
    {"an inode table whose end wraps", fs::kAtTableOffset, 8, ~std::uint64_t{0} - 15, fs::Result::bad_inode_table},
    {"an inode table of another size", fs::kAtTableSize, 8, 24, fs::Result::bad_inode_table},
    {"as many inodes as a number can say", fs::kAtTotalInodes, 4, 0xffff'ffff, fs::Result::too_large},
    {"no root", kTable, 4, 99, fs::Result::no_such_inode},
    {"a record beyond the end of the disk", kTable + 4, 4, 0xffff'ff00, fs::Result::bad_record},
    {"a record longer than the disk", kRootRecord + 4, 4, 0xffff'ffff, fs::Result::bad_record},
    {"a record of another inode", kRootRecord, 4, 2, fs::Result::bad_record},
    {"a tag longer than its record", kRootRecord + 10, 4, 0x7fff'ffff, fs::Result::bad_record},
    {"an unknown type", kRootType, 4, 9, fs::Result::bad_record},
    {"a name longer than its directory", kRootEntries, 4, 0xffff'fff8, fs::Result::bad_directory},
    {"a name with a separator", kRootEntries + 8, 1, '/', fs::Result::bad_directory},
    {"a directory inside itself", kRootEntries + 4, 4, fs::kRootInode, fs::Result::bad_directory},
    {"a child that is not there", kRootEntries + 4, 4, 1000, fs::Result::bad_directory},
};

// Changes one field on the disk, lets the driver look, and puts the field back.
void look_at(Context& context, block::BlockDevice& disk, const Image& image, const Hostile& hostile) {
  const std::uint32_t block = hostile.at / block::kBlockSize;
  std::uint8_t* const bytes = image.bytes + block * std::size_t{block::kBlockSize};
  std::uint8_t* const field = image.bytes + hostile.at;
  const std::uint64_t before = fs::little_endian(field, hostile.bytes);
  fs::put_little_endian(field, hostile.bytes, hostile.value);
  context.check(disk.write_block(block, bytes) == block::Status::ok, "the block is written");
  const fs::Result result = block::check_file_system(context.machine(), disk);
  context.observe(hostile.what, static_cast<std::uint64_t>(result));
  context.check(result == hostile.expected, "what makes no sense is refused for what it is");
  fs::put_little_endian(field, hostile.bytes, before);
  context.check(disk.write_block(block, bytes) == block::Status::ok, "the block is written");
}

}  // namespace

void eclipsefs(Context& context) {
  block::BlockDevice* const disk = context.open();
  const Image image = make_image(context);
  if (disk == nullptr || image.bytes == nullptr) {
    return;
  }
  put_image(context, *disk, image);
  disk->shutdown();

  const block::Boot booted = boot(context);
  context.check(booted.source == block::BootSource::virtio, "the virtio disk is taken");
  context.check(booted.file_system == fs::Result::ok, "its file system is found");
  if (booted.disk == nullptr) {
    return;
  }
  check_image(context, *booted.disk);
  for (const Hostile& hostile : kAll) {
    look_at(context, *booted.disk, image, hostile);
  }
  check_image(context, *booted.disk);
  booted.disk->shutdown();
}

}  // namespace ringside::scenarios
