#include "testbench/scenarios/boot_disk.h"

#include "driver/block/eclipsefs_image.h"
#include "testbench/scenarios/data.h"

namespace ringside::scenarios {
namespace {

namespace fs = block::eclipsefs;

constexpr std::uint32_t kImageBytes = 32u << 10;
constexpr char kMotd[] = "a file of one block\n";

struct Opening {
  Context& context;
  const block::Options& options;
};

block::BlockDevice* open_virtio(void* user) {
  const Opening& opening = *static_cast<Opening*>(user);
  return opening.context.try_open(opening.options);
}

std::uint8_t* private_memory(Context& context, std::size_t size) {
  void* const place = context.machine().alloc_private(size, 4096);
  context.check(place != nullptr, "there is private memory");
  return static_cast<std::uint8_t*>(place);
}

bool same(const std::uint8_t* a, const std::uint8_t* b, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    if (a[i] != b[i]) {
      return false;
    }
  }
  return true;
}

void count_entry(const fs::DirectoryEntry&, void* user) { ++*static_cast<std::uint32_t*>(user); }

bool large_file_is_right(fs::FileSystem& files, const fs::Node& node, std::uint8_t* data) {
  constexpr std::uint32_t kPiece = 1000;
  for (std::uint32_t at = 0; at < kLargeFileBytes; at += kPiece) {
    std::uint32_t count = 0;
    if (files.read(node, at, data + at, kPiece, count) != fs::Result::ok || count != kPiece) {
      return false;
    }
  }
  return is_filled(data, kLargeFileBytes, kLargeFileKey);
}

}  // namespace

block::Boot boot(Context& context, const block::Options& options) {
  Opening opening{context, options};
  return block::boot(context.machine(), {open_virtio, &opening});
}

Image make_image(Context& context) {
  Image image;
  std::uint8_t* const memory = private_memory(context, kImageBytes);
  std::uint8_t* const large = private_memory(context, kLargeFileBytes);
  if (memory == nullptr || large == nullptr) {
    return image;
  }
  fill(large, kLargeFileBytes, kLargeFileKey);
  const fs::ImageNode nodes[] = {
      {"motd", fs::NodeType::file, kMotd, sizeof kMotd - 1},
      {"large", fs::NodeType::file, large, kLargeFileBytes},
      {"etc", fs::NodeType::directory},
  };
  image.size = static_cast<std::uint32_t>(fs::write_image(memory, kImageBytes, nodes, 3));
  context.check(image.size != 0, "the image fits");
  image.bytes = image.size != 0 ? memory : nullptr;
  return image;
}

void put_image(Context& context, block::BlockDevice& disk, const Image& image) {
  std::uint8_t* const found = private_memory(context, block::kBlockSize);
  if (found == nullptr) {
    return;
  }
  const std::uint32_t blocks = image.size / block::kBlockSize;
  for (std::uint32_t i = 0; i < blocks; ++i) {
    context.check(disk.write_block(i, image.bytes + i * std::size_t{block::kBlockSize}) == block::Status::ok,
                  "the block is written");
  }
  context.check(disk.flush() == block::Status::ok, "the flush succeeds");
  bool right = true;
  for (std::uint32_t i = 0; i < blocks; ++i) {
    right = right && disk.read_block(i, found) == block::Status::ok;
    right = right && same(found, image.bytes + i * std::size_t{block::kBlockSize}, block::kBlockSize);
  }
  context.check(right, "every block reads as itself, block 0 too");
}

void check_image(Context& context, block::BlockDevice& disk) {
  context.check(block::check_file_system(context.machine(), disk) == fs::Result::ok, "the file system makes sense");
  fs::FileSystem files;
  std::uint8_t* const data = private_memory(context, kLargeFileBytes);
  if (data == nullptr || !context.check(files.mount(context.machine(), disk) == fs::Result::ok, "it is mounted")) {
    return;
  }
  fs::Node root;
  fs::Node large;
  std::uint32_t entries = 0;
  context.check(files.node(fs::kRootInode, root) == fs::Result::ok, "there is a root");
  context.check(files.list(root, count_entry, &entries) == fs::Result::ok, "the root is listed");
  context.observe("inodes", files.inodes());
  context.observe("entries", entries);
  context.check(files.node(kLargeFileInode, large) == fs::Result::ok && large.size == kLargeFileBytes,
                "the large file is there");
  context.check(large_file_is_right(files, large, data), "it holds what was written into it");
  files.unmount();
}

}  // namespace ringside::scenarios
