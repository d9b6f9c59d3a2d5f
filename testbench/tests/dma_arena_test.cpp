// The arena decides which memory a device may reach: its bookkeeping must hold whatever a driver asks.
#include "testbench/targets/dma_arena.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <optional>
#include <stdexcept>

#include "testbench/targets/harness.h"

namespace ringside::targets {
namespace {

// Address space only, so that the tests touch no more memory than they use.
class DmaArenaTest : public testing::Test {
 protected:
  DmaArenaTest() {
    void* const memory =
        ::mmap(nullptr, kRamBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
      throw std::runtime_error("mmap");
    }
    ram_ = static_cast<std::uint8_t*>(memory);
    arena_.emplace(ram_);
  }
  ~DmaArenaTest() override { ::munmap(ram_, kRamBytes); }

  std::uint8_t* ram_ = nullptr;
  std::optional<DmaArena> arena_;
};

TEST_F(DmaArenaTest, GivesZeroedMemoryAtTheBaseWithMatchingAddresses) {
  std::memset(ram_ + kArenaBase, 0xa5, 4096);
  const hal::DmaBuffer buffer = arena_->alloc(4096, 4096);
  EXPECT_EQ(hal::raw(buffer.bus), kArenaBase);
  EXPECT_EQ(buffer.cpu, ram_ + kArenaBase);
  EXPECT_EQ(ram_[kArenaBase], 0);
  EXPECT_EQ(ram_[kArenaBase + 4095], 0);
}

// The bytes say whether it was filled: nobody wrote zeroes here.
TEST_F(DmaArenaTest, WhatIsSaidToBeZeroIsFilledOnceItWasUsed) {
  std::memset(ram_ + kArenaBase, 0xa5, 4096);
  arena_->is_zero_from(kArenaBase);
  const hal::DmaBuffer buffer = arena_->alloc(4096, 4096);
  EXPECT_EQ(ram_[kArenaBase], 0xa5);
  arena_->free(buffer);
  EXPECT_EQ(arena_->alloc(4096, 4096).bus, buffer.bus);
  EXPECT_EQ(ram_[kArenaBase], 0);
  EXPECT_EQ(ram_[kArenaBase + 4095], 0);
}

TEST_F(DmaArenaTest, WhatADeviceWroteUnaskedIsFilled) {
  std::memset(ram_ + kArenaBase, 0xa5, 8192);
  arena_->is_zero_from(kArenaBase);
  arena_->was_written_below(kArenaBase + 100);
  static_cast<void>(arena_->alloc(8192, 4096));
  EXPECT_EQ(ram_[kArenaBase], 0);
  EXPECT_EQ(ram_[kArenaBase + 99], 0);
  EXPECT_EQ(ram_[kArenaBase + 100], 0xa5) << "as far as somebody wrote, and no further";
}

TEST_F(DmaArenaTest, AfterAResetNothingIsKnownToBeZero) {
  std::memset(ram_ + kArenaBase, 0xa5, 4096);
  arena_->is_zero_from(kArenaBase);
  arena_->reset();
  static_cast<void>(arena_->alloc(4096, 4096));
  EXPECT_EQ(ram_[kArenaBase], 0);
}

TEST_F(DmaArenaTest, AlignsAndNeverOverlaps) {
  const hal::DmaBuffer first = arena_->alloc(100, 1);
  const hal::DmaBuffer second = arena_->alloc(100, 64u << 10);
  const hal::DmaBuffer third = arena_->alloc(100, 16);  // fits into the gap
  EXPECT_EQ(hal::raw(second.bus) % (64u << 10), 0u);
  EXPECT_GE(hal::raw(third.bus), hal::raw(first.bus) + 100);
  EXPECT_LE(hal::raw(third.bus) + 100, hal::raw(second.bus));
}

TEST_F(DmaArenaTest, ReusesWhatWasFreedAndRemembersHowFarItWent) {
  const hal::DmaBuffer first = arena_->alloc(4096, 4096);
  const hal::DmaBuffer second = arena_->alloc(4096, 4096);
  arena_->free(first);
  EXPECT_EQ(arena_->alloc(4096, 4096).bus, first.bus);
  EXPECT_EQ(arena_->high_water(), hal::raw(second.bus) + 4096);
  arena_->reset();
  EXPECT_EQ(arena_->high_water(), kArenaBase);
  EXPECT_EQ(arena_->alloc(1, 1).bus, first.bus);
}

TEST_F(DmaArenaTest, HasNoRoomForMoreThanThereIs) {
  EXPECT_EQ(arena_->alloc(kRamBytes, 1).cpu, nullptr);
  EXPECT_EQ(arena_->alloc(~std::size_t{0}, 1).cpu, nullptr);
  EXPECT_EQ(arena_->alloc(0, 1).cpu, nullptr);
  EXPECT_EQ(arena_->alloc(0, 1).bus, hal::kInvalidBusAddress);
}

TEST_F(DmaArenaTest, KnowsOnlyBytesInsideOneBuffer) {
  const hal::DmaBuffer buffer = arena_->alloc(100, 4096);
  auto* const bytes = static_cast<std::uint8_t*>(buffer.cpu);
  EXPECT_EQ(arena_->bus_of(bytes + 99), buffer.bus + 99);
  EXPECT_EQ(arena_->bus_of(bytes, 100), buffer.bus);
  EXPECT_EQ(arena_->bus_of(bytes + 100), hal::kInvalidBusAddress);
  EXPECT_EQ(arena_->bus_of(bytes + 1, 100), hal::kInvalidBusAddress);
  EXPECT_EQ(arena_->bus_of(bytes, ~std::size_t{0}), hal::kInvalidBusAddress);
  EXPECT_EQ(arena_->bus_of(ram_), hal::kInvalidBusAddress);
  EXPECT_EQ(arena_->bus_of(nullptr), hal::kInvalidBusAddress);
  int elsewhere = 0;
  EXPECT_EQ(arena_->bus_of(&elsewhere), hal::kInvalidBusAddress);
}

TEST_F(DmaArenaTest, EndsTheRunOnMisuse) {
  const hal::DmaBuffer buffer = arena_->alloc(100, 1);
  hal::DmaBuffer smaller = buffer;
  smaller.size = 50;
  EXPECT_THROW(arena_->free(smaller), RunAborted);
  arena_->free(buffer);
  EXPECT_THROW(arena_->free(buffer), RunAborted);
  EXPECT_THROW((void)arena_->alloc(1, 3), RunAborted);
  EXPECT_THROW((void)arena_->alloc(1, 0), RunAborted);
  EXPECT_THROW((void)arena_->alloc(1, 128u << 10), RunAborted);
}

TEST_F(DmaArenaTest, PrivateMemoryIsAlignedZeroedLimitedAndOutsideRam) {
  for (const std::size_t alignment : {std::size_t{1}, std::size_t{64}, std::size_t{64} << 10}) {
    auto* const memory = static_cast<std::uint8_t*>(arena_->alloc_private(1000, alignment));
    ASSERT_NE(memory, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % alignment, 0u);
    EXPECT_EQ(memory[0] | memory[999], 0);
    EXPECT_TRUE(memory + 1000 <= ram_ || memory >= ram_ + kRamBytes);
  }
  EXPECT_EQ(arena_->alloc_private(std::size_t{1} << 40, 1), nullptr);
}

}  // namespace
}  // namespace ringside::targets
