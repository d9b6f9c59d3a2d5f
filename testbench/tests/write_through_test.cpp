// A bench that is killed in the middle of a run must leave on the image what the driver was told is flushed.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <string>
#include <thread>
#include <vector>

#include "driver/block/block_device.h"
#include "testbench/scenarios/data.h"
#include "testbench/tests/model_bench.h"

namespace ringside::tests::model_tests {
namespace {

constexpr std::uint64_t kBlocks = 256;
constexpr unsigned kBlocksPerFlush = 4;
constexpr std::uint64_t kKeyStep = 0x9e3779b97f4a7c15u;

// How many writes the driver knows to be flushed, in memory that both processes have.
using Flushed = std::atomic<std::uint64_t>;
Flushed* flushed = nullptr;

std::uint64_t key_of(std::uint64_t nth) { return (nth + 1) * kKeyStep; }

// Writes block after block, round after round, each write with a key of its own, and flushes now and then, for ever.
void write_and_flush(scenarios::Context& context) {
  block::BlockDevice* const disk = context.open();
  ASSERT_NE(disk, nullptr);
  const scenarios::Buffer memory(context, block::kBlockSize, 4096);
  for (std::uint64_t nth = 0;; ++nth) {
    scenarios::fill(memory.data(), block::kBlockSize, key_of(nth));
    ASSERT_EQ(disk->write_block(nth % kBlocks, memory.data()), block::Status::ok);
    if ((nth + 1) % kBlocksPerFlush == 0) {
      ASSERT_EQ(disk->flush(), block::Status::ok);
      flushed->store(nth + 1);
    }
  }
}

[[noreturn]] void run_until_killed(const std::string& image) {
  targets::RunSettings settings;
  settings.tracing = targets::Tracing::off;
  settings.disks = {image};
  settings.write_through = true;
  const auto target = targets::make_model_target(targets::TargetSpec::parse("model"), settings);
  trace::MemoryLog log;
  const scenarios::Scenario scenario{"endless", "", write_and_flush};
  (void)target->run(scenario, settings, log);
  ::_exit(1);
}

// Blocks may be newer than the last flush that was counted, never older.
bool is_there(const std::vector<std::uint8_t>& block, std::uint64_t nth) {
  for (std::uint64_t candidate = nth; candidate < nth + 2 * kBlocks; candidate += kBlocks) {
    if (scenarios::is_filled(block.data(), block.size(), key_of(candidate))) {
      return true;
    }
  }
  return false;
}

TEST(ModelWriteThrough, EveryFlushedBlockSurvivesAKill) {
  void* const shared = ::mmap(nullptr, sizeof(Flushed), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(shared, MAP_FAILED);
  flushed = new (shared) Flushed(0);
  std::string image = testing::TempDir() + "ringside-write-through-XXXXXX";
  ::close(::mkstemp(image.data()));
  std::filesystem::resize_file(image, kBlocks * block::kBlockSize);

  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    run_until_killed(image);
  }
  // Into the second round, so that what is expected is not what was there before.
  int status = 0;
  while (flushed->load() < kBlocks + kBlocks / 2 && ::waitpid(child, &status, WNOHANG) == 0) {
    std::this_thread::yield();
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status)) << "the run ended by itself";

  const std::uint64_t last = flushed->load();
  ASSERT_GE(last, kBlocks);
  std::ifstream file(image, std::ios::binary);
  std::vector<std::uint8_t> block(block::kBlockSize);
  for (std::uint64_t nth = last - kBlocks; nth < last; ++nth) {
    file.seekg(static_cast<std::streamoff>(nth % kBlocks * block::kBlockSize));
    file.read(reinterpret_cast<char*>(block.data()), block::kBlockSize);
    EXPECT_TRUE(is_there(block, nth)) << "write " << nth << " of " << last << " flushed ones";
  }
  std::filesystem::remove(image);
}

}  // namespace
}  // namespace ringside::tests::model_tests
