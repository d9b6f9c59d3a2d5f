// A run must not harm the user's image, nor leave anything behind.
#include "testbench/targets/disk_image.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "testbench/targets/memory_disk.h"
#include "testbench/targets/target.h"

namespace ringside::targets {
namespace {

class DiskImageTest : public testing::Test {
 protected:
  DiskImageTest() {
    std::string name = testing::TempDir() + "ringside-disk-image-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("mkdtemp");
    }
    folder_ = name;
  }
  ~DiskImageTest() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name, const std::string& contents) {
    const std::filesystem::path path = folder_ / name;
    std::ofstream(path, std::ios::binary) << contents;
    return path;
  }

  std::filesystem::path folder_;
};

std::vector<char> contents_of(const DiskImage& disk) {
  std::vector<char> bytes(disk.bytes());
  EXPECT_EQ(::pread(disk.fd(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  return bytes;
}

// The text of the InputError that `action` throws.
template <class Action>
std::string input_error(Action action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST_F(DiskImageTest, GeneratedContentsDependOnTheSeedOnlyAndNoTwoSectorsAreEqual) {
  const DiskImage first = DiskImage::generated(3u << 20, 7);
  const DiskImage again = DiskImage::generated(3u << 20, 7);
  const DiskImage other = DiskImage::generated(3u << 20, 8);
  EXPECT_EQ(first.hash(), again.hash());
  EXPECT_NE(first.hash(), other.hash());
  const std::vector<char> bytes = contents_of(first);
  std::set<std::string> sectors;
  for (std::size_t at = 0; at < bytes.size(); at += 512) {
    sectors.emplace(bytes.data() + at, 512);
  }
  EXPECT_EQ(sectors.size(), bytes.size() / 512);
}

TEST_F(DiskImageTest, HashTellsContentsSizesAndPlacesApart) {
  const DiskImage disk = DiskImage::generated((2u << 20) + 512, 1);
  const std::uint64_t before = disk.hash();
  ASSERT_EQ(::pwrite(disk.fd(), "x", 1, 2 << 20), 1);
  EXPECT_NE(disk.hash(), before) << "the last sector counts";
  const DiskImage zeroes = DiskImage::named("sparse:1M", false);
  EXPECT_NE(zeroes.hash(), DiskImage::named("sparse:2M", false).hash());
  const DiskImage low = DiskImage::named("sparse:1M", false);
  const DiskImage high = DiskImage::named("sparse:1M", false);
  ASSERT_EQ(::pwrite(low.fd(), "x", 1, 0), 1);
  ASSERT_EQ(::pwrite(high.fd(), "x", 1, 512 << 10), 1);
  EXPECT_NE(low.hash(), high.hash());
  EXPECT_NE(low.hash(), zeroes.hash());
}

// One world writes zeroes, the other punches a hole: the disk is the same.
TEST_F(DiskImageTest, HashDoesNotSeeHoles) {
  const DiskImage holes = DiskImage::generated(3u << 20, 1);
  const DiskImage zeroes = DiskImage::generated(3u << 20, 1);
  ASSERT_EQ(::fallocate(holes.fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (1 << 20) + 4096, 1 << 20), 0);
  const std::vector<char> nothing(1u << 20);
  ASSERT_EQ(::pwrite(zeroes.fd(), nothing.data(), nothing.size(), (1 << 20) + 4096), 1 << 20);
  EXPECT_EQ(contents_of(holes), contents_of(zeroes));
  EXPECT_EQ(holes.hash(), zeroes.hash());
}

TEST_F(DiskImageTest, HugeGeneratedDiskHasContentsAtBothEndsAndTakesRoomForNothingElse) {
  constexpr std::uint64_t kBytes = std::uint64_t{4} << 40;
  const DiskImage disk = DiskImage::generated(kBytes, 7);
  EXPECT_EQ(disk.bytes(), kBytes);
  struct stat status {};
  ASSERT_EQ(::fstat(disk.fd(), &status), 0);
  EXPECT_LT(status.st_blocks * 512, 20 << 20);
  const auto sector = [&disk](std::uint64_t number) {
    std::string bytes(512, '\0');
    EXPECT_EQ(::pread(disk.fd(), bytes.data(), 512, static_cast<off_t>(number * 512)), 512);
    return bytes;
  };
  const std::string zeroes(512, '\0');
  EXPECT_NE(sector(0), zeroes);
  EXPECT_EQ(sector(1u << 20), zeroes);
  EXPECT_NE(sector(kBytes / 512 - 1), zeroes);
  EXPECT_NE(sector(kBytes / 512 - 1), sector(0));
  const DiskImage small = DiskImage::generated(kGeneratedDiskBytes, 7);
  std::string same(512, '\0');
  ASSERT_EQ(::pread(small.fd(), same.data(), 512, 100 * 512), 512);
  EXPECT_EQ(sector(100), same) << "what is in a sector does not depend on the size of the disk";
  EXPECT_EQ(disk.hash(), DiskImage::generated(kBytes, 7).hash());
  EXPECT_NE(disk.hash(), DiskImage::generated(kBytes, 8).hash());
}

TEST_F(DiskImageTest, DiskInMemoryIsAsAtFirstForWhoTakesItNext) {
  constexpr std::uint64_t kBytes = 64u << 10;
  const auto take = [] { return DiskImage::in_memory(kBytes, 7); };
  const std::uint64_t hash = DiskImage::generated(kBytes, 7).hash();
  const std::uint8_t* const place = take().memory()->bytes().data();
  const std::vector<std::uint8_t> data(512, 0x55);
  const auto use = [&](auto action) {
    {
      const DiskImage disk = take();
      EXPECT_EQ(disk.memory()->bytes().data(), place) << "it is made once";
      EXPECT_EQ(disk.hash(), hash);
      model::RamStorage storage = disk.memory()->storage();
      action(*disk.memory(), storage);
      EXPECT_NE(disk.hash(), hash);
    }
    EXPECT_EQ(take().hash(), hash);
  };
  use([&](MemoryDisk&, model::Storage& storage) { EXPECT_TRUE(storage.write(4096, data.data(), data.size())); });
  use([&](MemoryDisk&, model::Storage& storage) { EXPECT_TRUE(storage.write_zeroes(kBytes - 512, 512)); });
  use([&](MemoryDisk& disk, model::Storage&) {
    EXPECT_TRUE(disk.resize(1024));
    EXPECT_TRUE(disk.resize(kBytes));
    EXPECT_EQ(disk.bytes()[1024], 0);
  });
  use([&](MemoryDisk& disk, model::Storage& storage) {
    EXPECT_TRUE(disk.resize(kBytes + 1024));
    EXPECT_TRUE(storage.write(kBytes + 512, data.data(), data.size()));
  });
  const DiskImage grown = take();
  EXPECT_TRUE(grown.memory()->resize(kBytes + 1024));
  EXPECT_EQ(grown.memory()->bytes()[kBytes + 512], 0) << "what an earlier one had there";
  EXPECT_FALSE(grown.memory()->resize(std::uint64_t{1} << 40));
}

TEST_F(DiskImageTest, SparseDisksAreNamedBySize) {
  EXPECT_EQ(DiskImage::named("sparse:512", false).bytes(), 512u);
  EXPECT_EQ(DiskImage::named("sparse:3K", false).bytes(), 3072u);
  EXPECT_EQ(DiskImage::named("sparse:1T", false).bytes(), std::uint64_t{1} << 40);
  for (const char* const name : {"sparse:", "sparse:T", "sparse:1X", "sparse:-1", "sparse:1 T", "sparse:0",
                                 "sparse:513", "sparse:2000P", "sparse:99999999999999999999", "sparse:16777216T"}) {
    EXPECT_NE(input_error([name] { (void)DiskImage::named(name, false); }).find("expected"), std::string::npos) << name;
  }
  EXPECT_NE(input_error([] { (void)DiskImage::named("sparse:1M", true); }).find("path of an image"), std::string::npos);
}

TEST_F(DiskImageTest, CopyLeavesTheImageAlone) {
  const std::string path = file("disk.img", std::string(1024, 'x'));
  const DiskImage copy = DiskImage::copy_of(path);
  ASSERT_EQ(copy.bytes(), 1024u);
  ASSERT_EQ(::pwrite(copy.fd(), "y", 1, 0), 1);
  const DiskImage again = DiskImage::copy_of(path);
  EXPECT_EQ(contents_of(again), std::vector<char>(1024, 'x'));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1) << "something was left behind";
}

TEST_F(DiskImageTest, SparseStaysSparseAndEqual) {
  const std::string path = file("sparse.img", "head");
  std::filesystem::resize_file(path, 1u << 30);
  const int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  ASSERT_EQ(::pwrite(fd, "middle", 6, 512u << 20), 6);
  ::close(fd);
  const DiskImage copy = DiskImage::copy_of(path);
  struct stat status {};
  ASSERT_EQ(::fstat(copy.fd(), &status), 0);
  EXPECT_EQ(status.st_size, 1 << 30);
  EXPECT_LT(status.st_blocks, 64 * 1024) << "the copy takes room for the holes";
  char text[7] = {};
  ASSERT_EQ(::pread(copy.fd(), text, 6, 512u << 20), 6);
  EXPECT_STREQ(text, "middle");
}

TEST_F(DiskImageTest, WriteThroughWritesTheImageAndLocksIt) {
  const std::string path = file("disk.img", std::string(512, 'x'));
  {
    const DiskImage disk = DiskImage::write_through(path);
    ASSERT_EQ(::pwrite(disk.fd(), "y", 1, 0), 1);
    EXPECT_NE(input_error([&] { (void)DiskImage::write_through(path); }).find("locked"), std::string::npos);
    EXPECT_NE(input_error([&] { (void)DiskImage::copy_of(path); }).find("locked"), std::string::npos);
  }
  const DiskImage copy = DiskImage::copy_of(path);
  EXPECT_EQ(contents_of(copy)[0], 'y');
}

TEST_F(DiskImageTest, BadImagesAreNamedWithWhatWasExpected) {
  const std::string missing = folder_ / "missing.img";
  const std::string empty = file("empty.img", "");
  const std::string odd = file("odd.img", std::string(513, 'x'));
  const std::string fifo = folder_ / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const std::vector<std::pair<std::string, std::string>> cases{{missing, "No such file"},
                                                               {empty, "is empty"},
                                                               {odd, "513 bytes"},
                                                               {fifo, "no regular file"},
                                                               {folder_.string(), "directory"},
                                                               {"/dev/null", "no regular file"}};
  for (const auto& [path, problem] : cases) {
    const std::string text = input_error([&p = path] { (void)DiskImage::copy_of(p); });
    EXPECT_TRUE(text.starts_with(path)) << text;
    EXPECT_NE(text.find(problem), std::string::npos) << text;
    EXPECT_NE(text.find("multiple of 512"), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    EXPECT_NE(input_error([&p = path] { (void)DiskImage::write_through(p); }), "no error") << path;
  }
}

TEST_F(DiskImageTest, FollowsAResize) {
  const DiskImage disk = DiskImage::generated(1024, 1);
  ASSERT_EQ(::ftruncate(disk.fd(), 512), 0);
  EXPECT_EQ(disk.bytes(), 512u);
  EXPECT_NE(disk.hash(), DiskImage::generated(1024, 1).hash());
}

}  // namespace
}  // namespace ringside::targets
