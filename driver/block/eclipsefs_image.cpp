#include "driver/block/eclipsefs_image.h"

#include "driver/block/block_device.h"

namespace ringside::block::eclipsefs {
namespace {

constexpr std::uint32_t kFileMode = 0100644;
constexpr std::uint32_t kDirectoryMode = 0040755;
constexpr std::uint32_t kSymlinkMode = 0120777;

std::uint32_t length_of(const char* text) {
  std::uint32_t length = 0;
  while (text[length] != '\0') {
    ++length;
  }
  return length;
}

// Appends; once something did not fit, nothing more is written.
class Writer {
 public:
  Writer(void* memory, std::size_t size) : memory_(static_cast<std::uint8_t*>(memory)), size_(size) {}

  void number(std::uint64_t value, unsigned bytes) {
    if (room_for(bytes)) {
      put_little_endian(memory_ + at_, bytes, value);
      at_ += bytes;
    }
  }
  void bytes(const void* data, std::size_t count) {
    if (room_for(count)) {
      __builtin_memcpy(memory_ + at_, data, count);
      at_ += count;
    }
  }
  void tag(std::uint16_t tag, std::uint32_t length) {
    number(tag, 2);
    number(length, 4);
  }
  void tagged(std::uint16_t name, std::uint64_t value, unsigned bytes) {
    tag(name, bytes);
    number(value, bytes);
  }
  void patch32(std::size_t at, std::uint64_t value) {
    if (fits_) {
      put_little_endian(memory_ + at, 4, value);
    }
  }
  void seek(std::size_t at) {
    at_ = at;
    fits_ = fits_ && at <= size_;
  }
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] bool fits() const { return fits_; }

 private:
  bool room_for(std::size_t count) {
    fits_ = fits_ && count <= size_ - at_;
    return fits_;
  }

  std::uint8_t* memory_;
  std::size_t size_;
  std::size_t at_ = 0;
  bool fits_ = true;
};

void write_superblock(Writer& out, std::uint32_t inodes) {
  out.bytes(kMagic, sizeof kMagic);
  out.number(kVersion, 4);
  out.number(kUsualTableOffset, 8);
  out.number(std::uint64_t{inodes} * kTableEntryBytes, 8);
  out.number(inodes, 4);
}

std::uint32_t mode_of(NodeType type) {
  return type == NodeType::directory ? kDirectoryMode : type == NodeType::symlink ? kSymlinkMode : kFileMode;
}

void write_attributes(Writer& out, NodeType type, std::uint64_t size) {
  out.tagged(kTagNodeType, static_cast<std::uint32_t>(type), 4);
  out.tagged(kTagMode, mode_of(type), 4);
  out.tagged(kTagUid, 0, 4);
  out.tagged(kTagGid, 0, 4);
  out.tagged(kTagSize, size, 8);
  out.tagged(kTagAtime, 0, 8);
  out.tagged(kTagMtime, 0, 8);
  out.tagged(kTagCtime, 0, 8);
  out.tagged(kTagNlink, type == NodeType::directory ? 2 : 1, 4);
}

void write_node(Writer& out, const ImageNode& node) {
  write_attributes(out, node.type, node.bytes);
  if (node.type != NodeType::directory) {
    out.tag(kTagContent, node.bytes);
    out.bytes(node.content, node.bytes);
  }
}

void write_root(Writer& out, const ImageNode* nodes, std::uint32_t count) {
  std::uint32_t bytes = 0;
  for (std::uint32_t i = 0; i < count; ++i) {
    bytes += kDirectoryEntryBytes + length_of(nodes[i].name);
  }
  write_attributes(out, NodeType::directory, 0);
  out.tag(kTagDirectory, bytes);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t length = length_of(nodes[i].name);
    out.number(length, 4);
    out.number(kRootInode + 1 + i, 4);
    out.bytes(nodes[i].name, length);
  }
}

}  // namespace

std::size_t write_image(void* memory, std::size_t size, const ImageNode* nodes, std::uint32_t count) {
  Writer out(memory, size);
  const std::uint32_t inodes = count + 1;
  const std::size_t records = kUsualTableOffset + std::size_t{inodes} * kTableEntryBytes;
  write_superblock(out, inodes);
  out.seek(records);
  for (std::uint32_t i = 0; i < inodes && out.fits(); ++i) {
    const std::size_t record = out.at();
    const std::size_t entry = kUsualTableOffset + std::size_t{i} * kTableEntryBytes;
    out.patch32(entry, kRootInode + i);
    out.patch32(entry + 4, record - records);
    out.number(kRootInode + i, 4);
    out.number(0, 4);
    if (i == 0) {
      write_root(out, nodes, count);
    } else {
      write_node(out, nodes[i - 1]);
    }
    out.patch32(record + 4, out.at() - record);
  }
  const std::size_t bytes = (out.at() + kBlockSize - 1) / kBlockSize * kBlockSize;
  return out.fits() && bytes <= size ? bytes : 0;
}

}  // namespace ringside::block::eclipsefs
