// EclipseFS from a disk that may say anything: what is right is read, what is wrong is refused with its reason, and no
// byte on the disk can make the reader leave the disk or go on for ever.
#include "driver/block/eclipsefs.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "driver/block/boot.h"
#include "driver/block/eclipsefs_image.h"
#include "driver/block/simulated.h"
#include "testbench/tests/memory_machine.h"

namespace ringside::tests {
namespace {

using namespace block::eclipsefs;

constexpr std::size_t kImageBytes = 64u << 10;
constexpr char kHello[] = "hello, world\n";

// A disk whose bytes the test holds, and which counts what is read.
class ByteDisk final : public block::BlockDevice {
 public:
  explicit ByteDisk(std::vector<std::uint8_t>& bytes) : bytes_(bytes) { info_.sectors = bytes.size() / 512; }
  unsigned reads = 0;

  const block::DiskInfo& info() const override { return info_; }
  const block::Counters& counters() const override { return counters_; }
  std::size_t submit(block::Request* const* requests, std::size_t count) override {
    for (std::size_t i = 0; i < count; ++i) {
      read_sectors(*requests[i]);
    }
    return count;
  }
  std::size_t poll() override { return 0; }
  std::size_t wait(std::size_t) override { return 0; }
  std::size_t in_flight() const override { return 0; }
  block::Status set_write_cache(bool) override { return block::Status::unsupported; }
  bool write_cache() override { return false; }
  block::Status reset_queue(std::uint16_t) override { return block::Status::unsupported; }
  void shutdown() override {}

 private:
  void read_sectors(block::Request& request) {
    EXPECT_EQ(request.operation, block::Operation::read);
    const std::uint64_t offset = request.sector * 512;
    const std::uint32_t size = request.segments[0].size;
    ASSERT_LE(offset + size, bytes_.size()) << "a read outside the disk";
    std::memcpy(request.segments[0].data, bytes_.data() + offset, size);
    ++reads;
    request.status = block::Status::ok;
  }

  block::DiskInfo info_;
  block::Counters counters_;
  std::vector<std::uint8_t>& bytes_;
};

class EclipseFs : public ::testing::Test {
 protected:
  EclipseFs() : image(kImageBytes), big(20'000) {
    for (std::size_t i = 0; i < big.size(); ++i) {
      big[i] = static_cast<std::uint8_t>(i * 13 + i / 4096);
    }
    const ImageNode nodes[] = {
        {"hello.txt", NodeType::file, kHello, sizeof kHello - 1},
        {"big", NodeType::file, big.data(), static_cast<std::uint32_t>(big.size())},
        {"etc", NodeType::directory},
        {"link", NodeType::symlink, "big", 3},
    };
    EXPECT_EQ(write_image(image.data(), image.size(), nodes, 4), 28672u);
  }

  Result check() {
    ByteDisk disk(image);
    const Result result = block::check_file_system(machine, disk);
    EXPECT_TRUE(machine.buffers.empty()) << "the block buffer is given back";
    reads = disk.reads;
    return result;
  }
  void put(std::size_t at, unsigned count, std::uint64_t value) { put_little_endian(&image[at], count, value); }
  std::size_t record(std::uint32_t inode) const {
    const std::size_t entry = kUsualTableOffset + (inode - 1) * std::size_t{kTableEntryBytes};
    return kUsualTableOffset + 5 * std::size_t{kTableEntryBytes} + little_endian(&image[entry + 4], 4);
  }
  // Where the value of a record's tag begins.
  std::size_t value(std::uint32_t inode, std::uint16_t tag) const {
    std::size_t at = record(inode) + kRecordHeaderBytes;
    while (little_endian(&image[at], 2) != tag) {
      at += kTagHeaderBytes + little_endian(&image[at + 2], 4);
    }
    return at + kTagHeaderBytes;
  }

  MemoryMachine machine;
  std::vector<std::uint8_t> image;
  std::vector<std::uint8_t> big;
  unsigned reads = 0;
};

void note(const DirectoryEntry& entry, void* user) {
  static_cast<std::vector<std::string>*>(user)->push_back(std::string(entry.name) + ":" +
                                                          std::to_string(static_cast<unsigned>(entry.node.type)) + ":" +
                                                          std::to_string(entry.node.size));
}

TEST_F(EclipseFs, TheRootIsListedAndFilesAreRead) {
  ByteDisk disk(image);
  FileSystem files;
  ASSERT_EQ(files.mount(machine, disk), Result::ok);
  EXPECT_EQ(files.inodes(), 5u);
  Node root;
  ASSERT_EQ(files.node(kRootInode, root), Result::ok);
  std::vector<std::string> names;
  ASSERT_EQ(files.list(root, note, &names), Result::ok);
  EXPECT_EQ(names, (std::vector<std::string>{"hello.txt:1:13", "big:1:20000", "etc:2:0", "link:3:3"}));

  Node file;
  ASSERT_EQ(files.node(3, file), Result::ok);
  std::vector<std::uint8_t> data(30'000);
  std::uint32_t count = 0;
  EXPECT_EQ(files.read(file, 5000, data.data(), 30'000, count), Result::ok);
  ASSERT_EQ(count, 15'000u);
  EXPECT_EQ(std::memcmp(data.data(), big.data() + 5000, count), 0);
  EXPECT_EQ(files.read(file, 20'000, data.data(), 1, count), Result::ok);
  EXPECT_EQ(count, 0u);
  EXPECT_EQ(files.read(root, 0, data.data(), 1, count), Result::wrong_type);
  EXPECT_EQ(files.list(file, note, &names), Result::wrong_type);
  EXPECT_EQ(files.node(9, file), Result::no_such_inode);
  files.unmount();
}

TEST_F(EclipseFs, TheImageIsWhatTheFormatSays) {
  EXPECT_EQ(std::memcmp(image.data(), "ECLIPSEFS\x00\x00\x02\x00", 13), 0);
  EXPECT_EQ(little_endian(&image[13], 8), 4096u);
  EXPECT_EQ(little_endian(&image[21], 8), 40u);
  EXPECT_EQ(little_endian(&image[29], 4), 5u);
  EXPECT_EQ(little_endian(&image[4096], 4), 1u);
  EXPECT_EQ(little_endian(&image[4100], 4), 0u) << "records are counted from the end of the table";
  EXPECT_EQ(little_endian(&image[4096 + 40], 4), 1u) << "the root's record";
}

TEST_F(EclipseFs, TheSimulatedDiskHoldsOne) {
  block::SimulatedDisk* const disk = block::SimulatedDisk::open(machine);
  ASSERT_NE(disk, nullptr);
  EXPECT_EQ(block::check_file_system(machine, *disk), Result::ok);
  EXPECT_EQ(machine.lines.back(), "[FS] 4 inode(s), 3 in the root; read a file of 120 bytes");
}

TEST_F(EclipseFs, AnImageThatDoesNotFitIsNotWritten) {
  const ImageNode node{"big", NodeType::file, big.data(), 20'000};
  std::vector<std::uint8_t> small(24'576);
  EXPECT_EQ(write_image(small.data(), small.size(), &node, 1), 24'576u);
  for (const std::size_t size : {std::size_t{0}, std::size_t{32}, std::size_t{4096}, std::size_t{20'480}}) {
    std::vector<std::uint8_t> smaller(size);
    EXPECT_EQ(write_image(smaller.data(), size, &node, 1), 0u) << size;
  }
}

TEST_F(EclipseFs, WhatIsWrongIsRefusedForWhatItIs) {
  struct Wrong {
    const char* what;
    std::function<void()> spoil;
    Result expected;
  };
  const std::size_t root = record(1);
  const std::size_t entries = value(1, kTagDirectory);
  const std::vector<Wrong> all{
      {"another magic", [&] { image[0] = 'e'; }, Result::no_file_system},
      {"version 1", [&] { put(9, 4, 0x0001'0000); }, Result::bad_version},
      {"a table beyond the end", [&] { put(13, 8, kImageBytes); }, Result::bad_inode_table},
      {"a table whose end wraps", [&] { put(13, 8, ~std::uint64_t{0} - 7); }, Result::bad_inode_table},
      {"a table inside the superblock", [&] { put(13, 8, 8); }, Result::bad_inode_table},
      {"a table of another size", [&] { put(21, 8, 48); }, Result::bad_inode_table},
      {"no inodes", [&] { put(21, 8, 0), put(29, 4, 0); }, Result::bad_inode_table},
      {"2^32 - 1 inodes", [&] { put(21, 8, 8 * 0xffff'ffffull), put(29, 4, 0xffff'ffff); }, Result::too_large},
      {"no root", [&] { put(4096, 4, 77); }, Result::no_such_inode},
      {"a record beyond the end", [&] { put(4100, 4, 0xffff'fff0); }, Result::bad_record},
      {"a record that belongs to another", [&] { put(root, 4, 2); }, Result::bad_record},
      {"a record without a header", [&] { put(root + 4, 4, 7); }, Result::bad_record},
      {"a record beyond the disk", [&] { put(root + 4, 4, 0xffff'ffff); }, Result::bad_record},
      {"a record that ends inside a tag", [&] { put(root + 4, 4, 11); }, Result::bad_record},
      {"a tag longer than its record", [&] { put(root + 10, 4, 0xffff'ffff); }, Result::bad_record},
      {"a type of three bytes", [&] { put(root + 10, 4, 3); }, Result::bad_record},
      {"no type", [&] { put(root + 14, 4, 0); }, Result::bad_record},
      {"an unknown type", [&] { put(root + 14, 4, 4); }, Result::bad_record},
      {"a root that is a file", [&] { put(root + 14, 4, 1); }, Result::bad_record},
      {"a root that is an empty file",
       [&] {
         put(root + 14, 4, 1);
         put(entries - 6, 2, 0x99);
       },
       Result::wrong_type},
      {"a name longer than the directory", [&] { put(entries, 4, 0xffff'ffff); }, Result::bad_directory},
      {"a name of 256 bytes", [&] { put(entries, 4, 256); }, Result::bad_directory},
      {"no name", [&] { put(entries, 4, 0); }, Result::bad_directory},
      {"a name with a separator", [&] { image[entries + 8] = '/'; }, Result::bad_directory},
      {"a name with a NUL", [&] { image[entries + 9] = 0; }, Result::bad_directory},
      {"the name ..",
       [&] {
         const std::size_t third = entries + 8 + 9 + 8 + 3;
         image[third + 8] = image[third + 9] = '.';
         put(third, 4, 3);
         const std::size_t second = entries + 8 + 9;
         put(second, 4, 3);
         image[second + 8] = '.';
         image[second + 9] = '.';
         image[second + 10] = '\0';
       },
       Result::bad_directory},
      {"a directory inside itself", [&] { put(entries + 4, 4, 1); }, Result::bad_directory},
      {"a child that is not there", [&] { put(entries + 4, 4, 99); }, Result::bad_directory},
      {"a directory cut short", [&] { put(entries - 4, 4, 11), put(root + 4, 4, entries + 11 - root); },
       Result::bad_directory},
      {"a file of another size than its content", [&] { put(value(2, kTagSize), 8, 14); }, Result::bad_record},
      {"two contents", [&] { put(value(2, kTagMode) - 6, 2, kTagContent); }, Result::bad_record},
  };
  const std::vector<std::uint8_t> good = image;
  for (const Wrong& wrong : all) {
    image = good;
    wrong.spoil();
    EXPECT_NE(image, good) << wrong.what;
    EXPECT_EQ(check(), wrong.expected) << wrong.what;
  }
  image = good;
  EXPECT_EQ(check(), Result::ok);
}

TEST_F(EclipseFs, ADirectoryAndARecordMayNotBeEndless) {
  // Every entry takes nine bytes and names the same file.
  std::vector<std::uint8_t> large(1u << 20);
  const std::size_t count = 50'000;
  const std::size_t moved = 0x4'0000;
  put(kUsualTableOffset + 4, 4, moved - kUsualTableOffset - 40);
  std::copy(image.begin(), image.end(), large.begin());
  std::uint8_t* at = &large[moved];
  put_little_endian(at, 4, 1);
  put_little_endian(at + 4, 4, 8 + 10 + 6 + count * 9);
  put_little_endian(at + 8, 2, kTagNodeType);
  put_little_endian(at + 10, 4, 4);
  put_little_endian(at + 14, 4, 2);
  put_little_endian(at + 18, 2, kTagDirectory);
  put_little_endian(at + 20, 4, count * 9);
  for (std::size_t i = 0; i < count; ++i) {
    put_little_endian(at + 24 + i * 9, 4, 1);
    put_little_endian(at + 24 + i * 9 + 4, 4, 2);
    at[24 + i * 9 + 8] = 'x';
  }
  image = large;
  EXPECT_EQ(check(), Result::too_large);
  EXPECT_LT(reads, 10'000u);

  put_little_endian(&image[moved + 4], 4, 8 + 6 * 1000);  // a record of a thousand empty tags
  std::memset(&image[moved + 8], 0, 6 * 1000);
  EXPECT_EQ(check(), Result::too_large);
}

// The directory has room for it, the reader has not.
TEST_F(EclipseFs, ANameOf256BytesIsNoName) {
  const std::size_t moved = 0x8000;
  const std::uint32_t entry = kDirectoryEntryBytes + 256;
  put(kUsualTableOffset + 4, 4, moved - kUsualTableOffset - 40);
  put(moved, 4, 1);
  put(moved + 4, 4, 8 + 10 + 6 + entry);
  put(moved + 8, 2, kTagNodeType);
  put(moved + 10, 4, 4);
  put(moved + 14, 4, 2);
  put(moved + 18, 2, kTagDirectory);
  put(moved + 20, 4, entry);
  put(moved + 24, 4, 256);
  put(moved + 28, 4, 2);
  std::memset(&image[moved + 32], 'n', 256);
  EXPECT_EQ(check(), Result::bad_directory);
  put(moved + 4, 4, 8 + 10 + 6 + entry - 1);
  put(moved + 20, 4, entry - 1);
  put(moved + 24, 4, 255);
  EXPECT_EQ(check(), Result::ok);
}

TEST_F(EclipseFs, NoRandomDamageGetsOutOfTheDisk) {
  const std::vector<std::uint8_t> good = image;
  std::mt19937 random(3);
  unsigned refused = 0;
  for (int round = 0; round < 3000; ++round) {
    image = good;
    for (unsigned i = 0; i <= random() % 4; ++i) {
      const std::size_t at = random() % 2 == 0 ? random() % 33 : 4096 + random() % 700;
      image[at] = static_cast<std::uint8_t>(random() % 3 == 0 ? 0xff : random());
    }
    refused += check() == Result::ok ? 0 : 1;
    ASSERT_LT(reads, 40'000u);
  }
  EXPECT_GT(refused, 1000u);
}

TEST_F(EclipseFs, ADiskTooSmallForASuperblockHoldsNone) {
  image.resize(512);
  EXPECT_EQ(check(), Result::no_file_system);
}

}  // namespace
}  // namespace ringside::tests
