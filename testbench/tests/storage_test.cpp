// What the model's disks keep their bytes in. Every kind is put through the same random accesses beside plain memory;
// then what is special about each.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "model/file_storage.h"
#include "model/null_storage.h"
#include "model/overlay_storage.h"
#include "model/ram_storage.h"
#include "model/random.h"
#include "model/sparse_storage.h"
#include "testbench/targets/model_disk.h"

namespace ringside::model {
namespace {

constexpr std::uint64_t kBytes = 1u << 20;
using Bytes = std::vector<std::uint8_t>;

Bytes random_bytes(Random& random, std::uint64_t size) {
  Bytes bytes(size);
  for (std::uint8_t& byte : bytes) {
    byte = static_cast<std::uint8_t>(random.next());
  }
  return bytes;
}

Bytes contents_of(Storage& storage, std::uint64_t size = kBytes) {
  Bytes bytes(size);
  EXPECT_TRUE(storage.read(0, bytes.data(), size));
  return bytes;
}

// Ranges of any alignment, mostly small.
void expect_behaves_as_memory(Storage& storage, std::uint64_t seed) {
  Random random(seed);
  Bytes memory = contents_of(storage);
  for (int i = 0; i < 400; ++i) {
    const std::uint64_t most = random.next() % 8 == 0 ? 300'000 : 3000;
    const std::uint64_t size = 1 + random.next() % most;
    const std::uint64_t offset = random.next() % (kBytes - size);
    switch (random.next() % 4) {
      case 0: {
        const Bytes data = random_bytes(random, size);
        ASSERT_TRUE(storage.write(offset, data.data(), size));
        std::memcpy(&memory[offset], data.data(), size);
        break;
      }
      case 1:
        ASSERT_TRUE(storage.write_zeroes(offset, size));
        std::memset(&memory[offset], 0, size);
        break;
      case 2:
        ASSERT_TRUE(storage.discard(offset, size));
        std::memset(&memory[offset], 0, size);
        break;
      default: {
        Bytes data(size);
        ASSERT_TRUE(storage.read(offset, data.data(), size));
        ASSERT_EQ(std::memcmp(data.data(), &memory[offset], size), 0) << offset << " " << size;
        break;
      }
    }
  }
  EXPECT_TRUE(storage.flush());
  EXPECT_EQ(contents_of(storage), memory);
}

// An unlinked file.
class TemporaryFile {
 public:
  TemporaryFile() {
    std::string name = testing::TempDir() + "ringside-storage-XXXXXX";
    fd_ = ::mkstemp(name.data());
    ::unlink(name.c_str());
    EXPECT_EQ(::ftruncate(fd_, kBytes), 0);
  }
  ~TemporaryFile() { ::close(fd_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  [[nodiscard]] int fd() const { return fd_; }

 private:
  int fd_;
};

std::uint64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t size = 0;
  std::uint64_t resident = 0;
  file >> size >> resident;
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

TEST(Storage, RamBehavesAsMemory) {
  Bytes memory(kBytes);
  RamStorage storage(memory.data());
  expect_behaves_as_memory(storage, 1);
}

TEST(Storage, SparseBehavesAsMemory) {
  SparseStorage storage(kBytes);
  expect_behaves_as_memory(storage, 2);
}

TEST(Storage, FileBehavesAsMemory) {
  const TemporaryFile file;
  FileStorage storage(file.fd());
  expect_behaves_as_memory(storage, 3);
}

TEST(Storage, MappedImageBehavesAsMemory) {
  const targets::DiskImage image = targets::DiskImage::generated(kBytes, 1);
  targets::ModelDisk disk(image, false);
  expect_behaves_as_memory(disk.storage(), 4);
}

TEST(Storage, OverlayBehavesAsMemoryAndLeavesItsBaseAlone) {
  Random random(5);
  Bytes memory = random_bytes(random, kBytes);
  const Bytes before = memory;
  RamStorage base(memory.data());
  OverlayStorage overlay(base);
  expect_behaves_as_memory(overlay, 5);
  EXPECT_EQ(memory, before);
  overlay.discard_changes();
  EXPECT_EQ(contents_of(overlay), before);
  expect_behaves_as_memory(overlay, 6);
  const Bytes changed = contents_of(overlay);
  EXPECT_TRUE(overlay.commit());
  EXPECT_EQ(memory, changed);
  EXPECT_FALSE(overlay.changed());
  EXPECT_EQ(contents_of(overlay), changed);
}

TEST(Storage, NullReadsZeroesWhateverWasWritten) {
  NullStorage storage;
  Bytes data(512, 0xff);
  EXPECT_TRUE(storage.write(0, data.data(), data.size()));
  EXPECT_TRUE(storage.flush());
  EXPECT_TRUE(storage.read(0, data.data(), data.size()));
  EXPECT_EQ(data, Bytes(512));
}

// A terabyte takes no room before it is written, nor by being read; what was zeroed again takes none.
TEST(Storage, SparseTakesRoomForWhatIsWrittenOnly) {
  constexpr std::uint64_t kTerabyte = std::uint64_t{1} << 40;
  constexpr std::uint64_t kStep = kTerabyte / 1024;
  constexpr std::uint64_t kMargin = 8u << 20;
  const std::uint64_t before = resident_bytes();
  SparseStorage storage(kTerabyte);
  Bytes data(64u << 10);
  for (std::uint64_t offset = 0; offset < kTerabyte; offset += kStep) {
    ASSERT_TRUE(storage.read(offset, data.data(), data.size()));
  }
  EXPECT_LT(resident_bytes(), before + kMargin);
  std::memset(data.data(), 0x5a, data.size());
  for (std::uint64_t offset = 0; offset < kTerabyte; offset += kStep) {
    ASSERT_TRUE(storage.write(offset, data.data(), data.size()));
  }
  EXPECT_GT(resident_bytes(), before + (60u << 20));
  ASSERT_TRUE(storage.discard(0, kTerabyte));
  EXPECT_LT(resident_bytes(), before + kMargin);
  ASSERT_TRUE(storage.read(kTerabyte - data.size(), data.data(), data.size()));
  EXPECT_EQ(data, Bytes(data.size()));
}

TEST(Storage, OverlayOfZeroesTakesNoRoomForThem) {
  constexpr std::uint64_t kGigabyte = 1u << 30;
  SparseStorage base(kGigabyte);
  OverlayStorage overlay(base);
  const std::uint64_t before = resident_bytes();
  ASSERT_TRUE(overlay.write_zeroes(0, kGigabyte));
  EXPECT_LT(resident_bytes(), before + (32u << 20));
}

std::int64_t blocks_of(int fd) {
  struct stat status {};
  EXPECT_EQ(::fstat(fd, &status), 0);
  return status.st_blocks;
}

TEST(Storage, ZeroingAnImageGivesItsRoomBack) {
  const targets::DiskImage image = targets::DiskImage::generated(kBytes, 1);
  const std::int64_t full = blocks_of(image.fd());
  targets::ModelDisk mapped(image, false);
  ASSERT_TRUE(mapped.storage().write_zeroes(0, kBytes / 2));
  EXPECT_LE(blocks_of(image.fd()), full / 2);
  targets::ModelDisk direct(image, true);
  ASSERT_TRUE(direct.storage().discard(kBytes / 2, kBytes / 2));
  EXPECT_EQ(blocks_of(image.fd()), 0);
}

TEST(Storage, HugeImageIsReadWithoutBecomingResident) {
  constexpr std::uint64_t kTerabyte = std::uint64_t{1} << 40;
  const targets::DiskImage image = targets::DiskImage::named("sparse:1T", false);
  targets::ModelDisk disk(image, false);
  Bytes data(1u << 20);
  for (std::uint64_t offset = 0; offset < kTerabyte; offset += kTerabyte / 1024) {
    ASSERT_TRUE(disk.storage().read(offset, data.data(), data.size()));
  }
  EXPECT_EQ(blocks_of(image.fd()), 0);
}

TEST(Storage, ImageKeepsItsContentsThroughAResize) {
  const targets::DiskImage image = targets::DiskImage::generated(kBytes, 1);
  targets::ModelDisk disk(image, false);
  Storage& storage = disk.storage();
  const Bytes before = contents_of(storage);
  ASSERT_TRUE(disk.resize(3 * kBytes));
  EXPECT_EQ(&disk.storage(), &storage);
  EXPECT_EQ(contents_of(storage), before);
  Bytes tail(512, 0xff);
  ASSERT_TRUE(storage.read(3 * kBytes - 512, tail.data(), 512));
  EXPECT_EQ(tail, Bytes(512));
  ASSERT_TRUE(disk.resize(kBytes / 2));
  EXPECT_EQ(contents_of(storage, kBytes / 2), Bytes(before.begin(), before.begin() + kBytes / 2));
  EXPECT_EQ(image.bytes(), kBytes / 2);
}

// An error of the medium is reported, not swallowed: here the medium is a pipe, or the end of a file.
TEST(Storage, FileReportsWhatTheKernelRefuses) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  FileStorage pipe(ends[1]);
  EXPECT_FALSE(pipe.flush());
  std::uint8_t byte = 0;
  EXPECT_FALSE(pipe.read(0, &byte, 1));
  EXPECT_FALSE(pipe.write_zeroes(0, 1));
  ::close(ends[0]);
  ::close(ends[1]);
  const TemporaryFile file;
  FileStorage storage(file.fd());
  EXPECT_FALSE(storage.read(kBytes - 1, &byte, 2));
}

// Fails every write from the n-th on.
class FailingStorage final : public Storage {
 public:
  explicit FailingStorage(int writes) : writes_(writes) {}
  bool read(std::uint64_t, void* data, std::uint64_t size) override {
    std::memset(data, 0, size);
    return true;
  }
  bool write(std::uint64_t, const void*, std::uint64_t) override { return writes_-- > 0; }
  bool write_zeroes(std::uint64_t, std::uint64_t) override { return writes_-- > 0; }
  bool flush() override { return true; }

 private:
  int writes_;
};

TEST(Storage, OverlayKeepsItsChangesWhenACommitFails) {
  FailingStorage base(1);
  OverlayStorage overlay(base);
  const Bytes data(512, 0xa5);
  ASSERT_TRUE(overlay.write(0, data.data(), data.size()));
  ASSERT_TRUE(overlay.write(4096, data.data(), data.size()));
  EXPECT_FALSE(overlay.commit());
  Bytes read(512);
  EXPECT_TRUE(overlay.read(4096, read.data(), read.size()));
  EXPECT_EQ(read, data);
}

}  // namespace
}  // namespace ringside::model
