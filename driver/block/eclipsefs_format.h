// EclipseFS 2.0 on disk: little-endian, 4096-byte blocks, no padding between fields.
//
//   block 0       magic, version u32, inode_table_offset u64, inode_table_size u64 (8 per inode), total_inodes u32
//   inode table   per inode: inode u32, offset u32; its record is at inode_table_offset + inode_table_size + offset
//   record        inode u32, record size u32 (these 8 bytes included), then entries: tag u16, length u32, value
#pragma once

#include <cstdint>

namespace ringside::block::eclipsefs {

inline constexpr char kMagic[] = {'E', 'C', 'L', 'I', 'P', 'S', 'E', 'F', 'S'};
inline constexpr std::uint32_t kVersion = 0x0002'0000;
inline constexpr std::uint32_t kRootInode = 1;

// Block 0.
inline constexpr std::uint32_t kAtVersion = 9;
inline constexpr std::uint32_t kAtTableOffset = 13;
inline constexpr std::uint32_t kAtTableSize = 21;
inline constexpr std::uint32_t kAtTotalInodes = 29;
inline constexpr std::uint32_t kSuperblockBytes = 33;
inline constexpr std::uint64_t kUsualTableOffset = 4096;

inline constexpr std::uint32_t kTableEntryBytes = 8;
inline constexpr std::uint32_t kRecordHeaderBytes = 8;
inline constexpr std::uint32_t kTagHeaderBytes = 6;
inline constexpr std::uint32_t kDirectoryEntryBytes = 8;  // name length u32, child inode u32; then the name

inline constexpr std::uint16_t kTagNodeType = 1;
inline constexpr std::uint16_t kTagMode = 2;
inline constexpr std::uint16_t kTagUid = 3;
inline constexpr std::uint16_t kTagGid = 4;
inline constexpr std::uint16_t kTagSize = 5;
inline constexpr std::uint16_t kTagAtime = 6;
inline constexpr std::uint16_t kTagMtime = 7;
inline constexpr std::uint16_t kTagCtime = 8;
inline constexpr std::uint16_t kTagNlink = 9;
inline constexpr std::uint16_t kTagContent = 0x0a;
inline constexpr std::uint16_t kTagDirectory = 0x0b;

enum class NodeType : std::uint32_t { none = 0, file = 1, directory = 2, symlink = 3 };

[[nodiscard]] inline std::uint64_t little_endian(const std::uint8_t* bytes, unsigned count) {
  std::uint64_t value = 0;
  for (unsigned i = count; i-- > 0;) {
    value = value << 8 | bytes[i];
  }
  return value;
}

inline void put_little_endian(std::uint8_t* bytes, unsigned count, std::uint64_t value) {
  for (unsigned i = 0; i < count; ++i) {
    bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
  }
}

}  // namespace ringside::block::eclipsefs
