// EclipseFS, read-only, from any block device: lists a directory and reads files.
//
// Whatever is on the disk may be wrong or hostile: every offset, length and count is checked against what contains it
// before it is used, and every loop has a bound of its own. A file system that makes no sense is refused with a reason,
// never half believed.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver/block/block_device.h"
#include "driver/block/eclipsefs_format.h"
#include "driver/hal/machine.h"

namespace ringside::block::eclipsefs {

enum class Result : std::uint8_t {
  ok,
  no_memory,
  io_error,        // the block device failed
  no_file_system,  // no magic
  bad_version,
  bad_inode_table,  // outside the disk, or not as large as its inodes
  no_such_inode,
  bad_record,     // outside the disk, of another inode, or with entries that do not fit into it
  bad_directory,  // entries that do not fit, names that are none, children that are not there or the directory itself
  too_large,      // more inodes, entries or tags than this reader goes through
  wrong_type,     // a file was expected, or a directory
};
[[nodiscard]] const char* to_string(Result result);

inline constexpr std::uint32_t kMostInodes = 16384;
inline constexpr std::uint32_t kMostEntries = 1024;  // of a directory
inline constexpr std::uint32_t kMostTags = 64;       // of a record
inline constexpr std::uint32_t kMostName = 255;

// What a record says, checked.
struct Node {
  std::uint32_t inode = 0;
  NodeType type = NodeType::none;
  std::uint64_t size = 0;
  std::uint64_t content_at = 0;     // bytes from the start of the disk; of a file's content or a directory's entries
  std::uint32_t content_bytes = 0;  // 0: none
};

struct DirectoryEntry {
  Node node;
  std::uint32_t name_length = 0;
  char name[kMostName + 1] = {};  // NUL-terminated
};

class FileSystem {
 public:
  // The device outlives it. Takes one block of DMA memory until unmount().
  [[nodiscard]] Result mount(hal::Machine& machine, BlockDevice& device);
  void unmount();

  [[nodiscard]] std::uint32_t inodes() const { return total_inodes_; }

  [[nodiscard]] Result node(std::uint32_t inode, Node& node);

  // Calls `each` for every entry; it may not use the file system.
  [[nodiscard]] Result list(const Node& directory, void (*each)(const DirectoryEntry& entry, void* user), void* user);

  // Reads up to `most` bytes of a file from `offset`. `count` is how many there were.
  [[nodiscard]] Result read(const Node& file, std::uint64_t offset, void* data, std::uint32_t most,
                            std::uint32_t& count);

 private:
  [[nodiscard]] Result read_superblock();
  [[nodiscard]] Result read_bytes(std::uint64_t offset, void* data, std::uint32_t count);
  [[nodiscard]] Result find_record(std::uint32_t inode, std::uint64_t& at);
  [[nodiscard]] Result read_record(std::uint64_t at, std::uint32_t inode, Node& node);
  [[nodiscard]] Result take_tag(std::uint16_t tag, std::uint64_t at, std::uint32_t length, Node& node);
  [[nodiscard]] Result read_entry(const Node& directory, std::uint32_t at, DirectoryEntry& entry);

  hal::Machine* machine_ = nullptr;
  BlockDevice* device_ = nullptr;
  hal::DmaBuffer block_;                      // the one that was read last
  std::uint64_t cached_ = ~std::uint64_t{0};  // its number
  std::uint64_t bytes_ = 0;                   // of the disk, in whole blocks
  std::uint64_t table_at_ = 0;
  std::uint64_t records_at_ = 0;
  std::uint32_t total_inodes_ = 0;
};

}  // namespace ringside::block::eclipsefs
