#include "driver/block/eclipsefs.h"

namespace ringside::block::eclipsefs {
namespace {

// A name that could be part of a path: not empty, no separator, no NUL, and not one of the two that mean a place.
bool is_name(const char* name, std::uint32_t length) {
  for (std::uint32_t i = 0; i < length; ++i) {
    if (name[i] == '/' || name[i] == '\0') {
      return false;
    }
  }
  const bool dots = name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'));
  return length != 0 && !dots;
}

}  // namespace

const char* to_string(Result result) {
  switch (result) {
    case Result::ok:
      return "ok";
    case Result::no_memory:
      return "out of memory";
    case Result::io_error:
      return "the device cannot be read";
    case Result::no_file_system:
      return "no EclipseFS";
    case Result::bad_version:
      return "an EclipseFS of another version";
    case Result::bad_inode_table:
      return "the inode table makes no sense";
    case Result::no_such_inode:
      return "no such inode";
    case Result::bad_record:
      return "an inode's record makes no sense";
    case Result::bad_directory:
      return "a directory makes no sense";
    case Result::too_large:
      return "larger than this reader goes through";
    case Result::wrong_type:
      return "a file where a directory was expected, or the other way round";
  }
  return "?";
}

Result FileSystem::mount(hal::Machine& machine, BlockDevice& device) {
  machine_ = &machine;
  device_ = &device;
  bytes_ = device.info().sectors / (kBlockSize / kSectorSize) * kBlockSize;  // a capacity is less than 2^55 sectors
  cached_ = ~std::uint64_t{0};
  block_ = machine.alloc_dma_buffer(kBlockSize, kBlockSize);
  if (block_.cpu == nullptr) {
    return Result::no_memory;
  }
  const Result result = read_superblock();
  if (result != Result::ok) {
    unmount();
  }
  return result;
}

void FileSystem::unmount() {
  if (block_.cpu != nullptr) {
    machine_->free_dma_buffer(block_);
    block_ = {};
  }
}

Result FileSystem::read_superblock() {
  std::uint8_t block[kSuperblockBytes];
  if (bytes_ < kBlockSize) {
    return Result::no_file_system;
  }
  if (const Result result = read_bytes(0, block, sizeof block); result != Result::ok) {
    return result;
  }
  if (__builtin_memcmp(block, kMagic, sizeof kMagic) != 0) {
    return Result::no_file_system;
  }
  if (little_endian(block + kAtVersion, 4) != kVersion) {
    return Result::bad_version;
  }
  table_at_ = little_endian(block + kAtTableOffset, 8);
  const std::uint64_t table_bytes = little_endian(block + kAtTableSize, 8);
  total_inodes_ = static_cast<std::uint32_t>(little_endian(block + kAtTotalInodes, 4));
  if (total_inodes_ > kMostInodes) {
    return Result::too_large;
  }
  const bool sensible = total_inodes_ != 0 && table_bytes == total_inodes_ * std::uint64_t{kTableEntryBytes} &&
                        table_at_ >= kSuperblockBytes && table_at_ <= bytes_ && table_bytes <= bytes_ - table_at_;
  records_at_ = table_at_ + table_bytes;
  return sensible ? Result::ok : Result::bad_inode_table;
}

// The caller has checked that the bytes lie inside the disk. One block is kept: what is read next is mostly beside it.
Result FileSystem::read_bytes(std::uint64_t offset, void* data, std::uint32_t count) {
  auto* to = static_cast<std::uint8_t*>(data);
  while (count != 0) {
    const std::uint64_t block = offset / kBlockSize;
    const auto inside = static_cast<std::uint32_t>(offset % kBlockSize);
    if (block != cached_) {
      cached_ = ~std::uint64_t{0};
      if (device_->read_block(block, block_.cpu) != Status::ok) {
        return Result::io_error;
      }
      cached_ = block;
    }
    const std::uint32_t here = count < kBlockSize - inside ? count : kBlockSize - inside;
    __builtin_memcpy(to, static_cast<const std::uint8_t*>(block_.cpu) + inside, here);
    to += here;
    offset += here;
    count -= here;
  }
  return Result::ok;
}

Result FileSystem::find_record(std::uint32_t inode, std::uint64_t& at) {
  for (std::uint32_t i = 0; i < total_inodes_; ++i) {
    std::uint8_t entry[kTableEntryBytes];
    if (const Result result = read_bytes(table_at_ + i * std::uint64_t{kTableEntryBytes}, entry, sizeof entry);
        result != Result::ok) {
      return result;
    }
    if (little_endian(entry, 4) == inode) {
      at = records_at_ + little_endian(entry + 4, 4);
      return Result::ok;
    }
  }
  return Result::no_such_inode;
}

Result FileSystem::node(std::uint32_t inode, Node& node) {
  std::uint64_t at = 0;
  if (const Result result = find_record(inode, at); result != Result::ok) {
    return result;
  }
  return read_record(at, inode, node);
}

Result FileSystem::read_record(std::uint64_t at, std::uint32_t inode, Node& node) {
  if (at > bytes_ || bytes_ - at < kRecordHeaderBytes) {
    return Result::bad_record;
  }
  std::uint8_t header[kRecordHeaderBytes];
  if (const Result result = read_bytes(at, header, sizeof header); result != Result::ok) {
    return result;
  }
  const std::uint64_t size = little_endian(header + 4, 4);
  if (little_endian(header, 4) != inode || size < kRecordHeaderBytes || size > bytes_ - at) {
    return Result::bad_record;
  }
  node = Node{};
  node.inode = inode;
  const std::uint64_t end = at + size;
  std::uint64_t next = at + kRecordHeaderBytes;
  for (std::uint32_t tags = 0; next != end; ++tags) {
    if (tags == kMostTags) {
      return Result::too_large;
    }
    if (end - next < kTagHeaderBytes) {
      return Result::bad_record;
    }
    std::uint8_t tag[kTagHeaderBytes];
    if (const Result result = read_bytes(next, tag, sizeof tag); result != Result::ok) {
      return result;
    }
    next += kTagHeaderBytes;
    const auto length = static_cast<std::uint32_t>(little_endian(tag + 2, 4));
    if (length > end - next) {
      return Result::bad_record;
    }
    if (const Result result = take_tag(static_cast<std::uint16_t>(little_endian(tag, 2)), next, length, node);
        result != Result::ok) {
      return result;
    }
    next += length;
  }
  const bool known = node.type == NodeType::file || node.type == NodeType::directory || node.type == NodeType::symlink;
  return known && (node.type == NodeType::directory || node.size == node.content_bytes) ? Result::ok
                                                                                        : Result::bad_record;
}

// Tags that nothing here needs, and unknown ones, are passed over.
Result FileSystem::take_tag(std::uint16_t tag, std::uint64_t at, std::uint32_t length, Node& node) {
  std::uint8_t value[8];
  switch (tag) {
    case kTagNodeType:
    case kTagSize: {
      const std::uint32_t expected = tag == kTagSize ? 8 : 4;
      // One byte is enough for a type, and some writers spend no more on it.
      if (length != expected && (tag == kTagSize || length != 1)) {
        return Result::bad_record;
      }
      if (const Result result = read_bytes(at, value, length); result != Result::ok) {
        return result;
      }
      const std::uint64_t number = little_endian(value, length);
      if (tag == kTagSize) {
        node.size = number;
      } else {
        node.type = static_cast<NodeType>(number);
      }
      return Result::ok;
    }
    case kTagContent:
    case kTagDirectory:
      if (node.content_at != 0) {
        return Result::bad_record;  // which of the two would it be?
      }
      node.content_at = at;
      node.content_bytes = length;
      return Result::ok;
    default:
      return Result::ok;
  }
}

Result FileSystem::read_entry(const Node& directory, std::uint32_t at, DirectoryEntry& entry) {
  const std::uint32_t left = directory.content_bytes - at;
  if (left < kDirectoryEntryBytes) {
    return Result::bad_directory;
  }
  std::uint8_t header[kDirectoryEntryBytes];
  if (const Result result = read_bytes(directory.content_at + at, header, sizeof header); result != Result::ok) {
    return result;
  }
  const auto length = static_cast<std::uint32_t>(little_endian(header, 4));
  const auto child = static_cast<std::uint32_t>(little_endian(header + 4, 4));
  if (length > left - kDirectoryEntryBytes || length > kMostName || child == directory.inode || child == kRootInode) {
    return Result::bad_directory;
  }
  entry.name_length = length;
  entry.name[length] = '\0';
  if (const Result result = read_bytes(directory.content_at + at + kDirectoryEntryBytes, entry.name, length);
      result != Result::ok) {
    return result;
  }
  if (!is_name(entry.name, length)) {
    return Result::bad_directory;
  }
  const Result found = node(child, entry.node);
  return found == Result::no_such_inode ? Result::bad_directory : found;
}

Result FileSystem::list(const Node& directory, void (*each)(const DirectoryEntry& entry, void* user), void* user) {
  if (directory.type != NodeType::directory) {
    return Result::wrong_type;
  }
  std::uint32_t at = 0;
  for (std::uint32_t entries = 0; at != directory.content_bytes; ++entries) {
    if (entries == kMostEntries) {
      return Result::too_large;
    }
    DirectoryEntry entry;
    if (const Result result = read_entry(directory, at, entry); result != Result::ok) {
      return result;
    }
    each(entry, user);
    at += kDirectoryEntryBytes + entry.name_length;
  }
  return Result::ok;
}

Result FileSystem::read(const Node& file, std::uint64_t offset, void* data, std::uint32_t most, std::uint32_t& count) {
  count = 0;
  if (file.type != NodeType::file) {
    return Result::wrong_type;
  }
  if (offset >= file.content_bytes) {
    return Result::ok;
  }
  const auto left = static_cast<std::uint32_t>(file.content_bytes - offset);
  const std::uint32_t here = left < most ? left : most;
  const Result result = read_bytes(file.content_at + offset, data, here);
  count = result == Result::ok ? here : 0;
  return result;
}

}  // namespace ringside::block::eclipsefs
