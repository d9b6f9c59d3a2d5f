// DMA buffers by address: what was found before is found again, and never what has gone.
#include "testbench/trace/dma_buffers.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "testbench/tests/memory_machine.h"
#include "testbench/trace/memory_log.h"

namespace ringside::trace {
namespace {

constexpr std::size_t kGuard = 64;

class DmaBuffersTest : public testing::Test {
 protected:
  const GuardedBuffer& add(std::size_t begin, std::size_t size) {
    const hal::DmaBuffer inner{&memory[begin - kGuard], hal::BusAddress{bus(begin) - kGuard}, size + 2 * kGuard};
    return buffers.add(inner, size, kGuard);
  }
  [[nodiscard]] std::uint64_t bus(std::size_t place) const { return 0x10'0000 + place; }
  [[nodiscard]] std::uint32_t number_at(std::size_t place, std::size_t size) const {
    const GuardedBuffer* const by_bus = buffers.at_bus(bus(place), size);
    const GuardedBuffer* const by_cpu = buffers.at_cpu(&memory[place], size);
    EXPECT_EQ(by_bus, by_cpu);
    return by_bus == nullptr ? 0 : by_bus->number;
  }

  tests::MemoryMachine machine;
  MemoryLog log;
  Recorder recorder{machine, log};
  DmaBuffers buffers{recorder};
  std::vector<std::uint8_t> memory = std::vector<std::uint8_t>(std::size_t{4} << 20);
};

TEST_F(DmaBuffersTest, ABufferHoldsWhatLiesInItWhole) {
  add(4096, 8192);
  for (int twice = 0; twice < 2; ++twice) {
    EXPECT_EQ(number_at(4096, 8192), 1u);
    EXPECT_EQ(number_at(12'287, 1), 1u);
    EXPECT_EQ(number_at(12'288, 0), 1u) << "nothing, at its end";
    EXPECT_EQ(number_at(12'288, 1), 0u);
    EXPECT_EQ(number_at(4095, 1), 0u);
    EXPECT_EQ(number_at(4096, 8193), 0u);
  }
}

TEST_F(DmaBuffersTest, NeighboursAreToldApartHoweverOftenTheyTakeTurns) {
  add(1024, 16);
  add(1200, 16);                            // within one slot
  add(1024 + (std::size_t{1} << 20), 100);  // in the same one, further on
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_EQ(number_at(1030, 4), 1u);
    EXPECT_EQ(number_at(1210, 4), 2u);
    EXPECT_EQ(number_at(1024 + (std::size_t{1} << 20), 4), 3u);
  }
}

TEST_F(DmaBuffersTest, WhatWasTakenAwayIsNotFoundAgain) {
  constexpr std::size_t kBig = std::size_t{2} << 20;  // more than all slots
  for (const std::size_t size : {std::size_t{16}, std::size_t{4096}, kBig}) {
    const std::uint32_t number = add(4096, size).number;
    for (std::size_t place = 4096; place <= 4096 + size; place += 8) {
      ASSERT_EQ(number_at(place, 0), number);
    }
    const std::uint64_t before = buffers.withdrawals();
    EXPECT_TRUE(buffers.remove(hal::BusAddress{bus(4096)}).has_value());
    EXPECT_NE(buffers.withdrawals(), before);
    for (std::size_t place = 4096; place <= 4096 + size; place += 8) {
      ASSERT_EQ(number_at(place, 0), 0u);
    }
  }
}

TEST_F(DmaBuffersTest, AMappingCountsAsLongAsItIsThere) {
  add(4096, 4096);
  buffers.map(0x7000'0000, &memory[4096], 512);
  buffers.map(0x7000'0000, &memory[4096], 512);
  const std::uint64_t before = buffers.withdrawals();
  buffers.unmap(0x7000'0000);
  EXPECT_EQ(buffers.cpu_of(0x7000'0010, 16), &memory[4096 + 16]);
  EXPECT_EQ(buffers.withdrawals(), before) << "it was mapped twice";
  buffers.unmap(0x7000'0000);
  EXPECT_EQ(buffers.cpu_of(0x7000'0010, 16), nullptr);
  EXPECT_NE(buffers.withdrawals(), before);
}

}  // namespace
}  // namespace ringside::trace
