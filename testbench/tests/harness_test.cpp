// What happens in a run becomes records and an outcome, on a machine that has nothing but RAM.
#include "testbench/targets/harness.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "testbench/targets/dma_arena.h"
#include "testbench/trace/memory_log.h"
#include "testbench/trace/text.h"

namespace ringside::targets {
namespace {

class EmptyMachine final : public hal::Machine {
 public:
  hal::MachineInfo info() override { return {}; }
  std::uint8_t in8(std::uint16_t) override { return 0xff; }
  std::uint16_t in16(std::uint16_t) override { return 0xffff; }
  std::uint32_t in32(std::uint16_t) override { return 0xffff'ffff; }
  void out8(std::uint16_t, std::uint8_t) override {}
  void out16(std::uint16_t, std::uint16_t) override {}
  void out32(std::uint16_t, std::uint32_t) override {}
  std::uint8_t mmio_read8(std::uint64_t) override { return 0xff; }
  std::uint16_t mmio_read16(std::uint64_t) override { return 0xffff; }
  std::uint32_t mmio_read32(std::uint64_t) override { return 0xffff'ffff; }
  void mmio_write8(std::uint64_t, std::uint8_t) override {}
  void mmio_write16(std::uint64_t, std::uint16_t) override {}
  void mmio_write32(std::uint64_t, std::uint32_t) override {}
  hal::DmaBuffer alloc_dma_buffer(std::size_t size, std::size_t alignment) override {
    return arena_.alloc(size, alignment);
  }
  void free_dma_buffer(const hal::DmaBuffer& buffer) override { arena_.free(buffer); }
  hal::BusAddress map(void* cpu, std::size_t size, hal::DmaDirection) override { return arena_.bus_of(cpu, size); }
  void unmap(hal::BusAddress, std::size_t, hal::DmaDirection) override {}
  hal::BusAddress virt_to_phys(const void* cpu) override { return arena_.bus_of(cpu); }
  void* alloc_private(std::size_t size, std::size_t alignment) override {
    return arena_.alloc_private(size, alignment);
  }
  hal::MsiMessage msi_message(unsigned) override { return {}; }
  std::uint64_t interrupts(unsigned) override { return 0; }
  bool wait(unsigned, std::uint64_t, std::uint64_t) override { return false; }
  void acknowledge(unsigned) override {}
  std::uint64_t now() override { return ++time_; }
  void relax(std::uint64_t) override {}
  void log(const char*, std::size_t) override {}

 private:
  std::vector<std::uint8_t> ram_ = std::vector<std::uint8_t>(kArenaBase + (1u << 20));  // as much as these tests use
  DmaArena arena_{ram_.data()};
  std::uint64_t time_ = 0;
};

class FixedHooks final : public RunHooks {
 public:
  std::uint64_t ask(scenarios::Ask, std::uint64_t argument) override { return argument + 1; }
  void before_look(std::uint8_t, std::uint16_t) override {}
};

class HarnessTest : public testing::Test {
 protected:
  RunResult run(void (*body)(scenarios::Context&), Tracing tracing = Tracing::events) {
    EmptyMachine machine;
    FixedHooks hooks;
    RunSettings settings;
    settings.tracing = tracing;
    const scenarios::Scenario scenario{"the-scenario", "", body};
    return run_scenario(machine, hooks, {&disk_, 1}, scenario, settings, log_);
  }

  [[nodiscard]] std::vector<trace::Record> records(trace::Kind kind) const {
    std::vector<trace::Record> found;
    std::ranges::copy_if(log_.records(), std::back_inserter(found),
                         [kind](const trace::Record& record) { return record.kind == kind; });
    return found;
  }

  DiskImage disk_ = DiskImage::generated(512, 1);
  trace::MemoryLog log_;
};

TEST_F(HarnessTest, BeginsWithPowerOnAndTheNameAndEndsWithDiskAndVerdict) {
  const RunResult result = run([](scenarios::Context& context) { context.check(true, "all is well"); });
  EXPECT_EQ(result.outcome, Outcome::held);
  EXPECT_EQ(result.reason, "");
  const auto& log = log_.records();
  ASSERT_GE(log.size(), 6u);
  EXPECT_EQ(log[0].kind, trace::Kind::power_on);
  EXPECT_EQ(log[1].kind, trace::Kind::scenario);
  EXPECT_EQ(trace::text_at(log, 2), "the-scenario");
  EXPECT_EQ(log[log.size() - 2].kind, trace::Kind::disk_hash);
  EXPECT_EQ(log[log.size() - 2].hash, disk_.hash());
  EXPECT_EQ(log.back().kind, trace::Kind::verdict);
  EXPECT_EQ(log.back().value, 1u);
}

TEST_F(HarnessTest, TheFirstFailedCheckIsTheReason) {
  const RunResult result = run([](scenarios::Context& context) {
    context.check(true, "zeroth");
    context.check(false, "first");
    context.check(false, "second");
  });
  EXPECT_EQ(result.outcome, Outcome::failed);
  EXPECT_EQ(result.reason, "first");
  EXPECT_EQ(log_.records().back().value, 0u);
}

TEST_F(HarnessTest, ObservationsAndQuestionsAreRecorded) {
  (void)run([](scenarios::Context& context) {
    context.observe("a number", 42);
    context.observe("an answer", context.bench().ask(scenarios::Ask::resize, 6));
  });
  const auto observed = records(trace::Kind::observe);
  ASSERT_EQ(observed.size(), 2u);
  EXPECT_EQ(observed[0].value, 42u);
  EXPECT_EQ(observed[1].value, 7u);
  const auto asked = records(trace::Kind::ask);
  ASSERT_EQ(asked.size(), 1u);
  EXPECT_EQ(asked[0].offset, static_cast<std::uint64_t>(scenarios::Ask::resize));
  EXPECT_EQ(asked[0].length, 6u);
  EXPECT_EQ(asked[0].value, 7u);
}

TEST_F(HarnessTest, AnAbortedRunIsAnErrorWithItsText) {
  const RunResult result = run([](scenarios::Context&) { throw RunAborted("the machine caught fire"); });
  EXPECT_EQ(result.outcome, Outcome::error);
  EXPECT_EQ(result.reason, "the machine caught fire");
  EXPECT_EQ(log_.records().back().kind, trace::Kind::verdict);
  EXPECT_EQ(log_.records().back().value, 0u);
}

TEST_F(HarnessTest, AStrayWriteFailsTheRunEvenIntoABufferFreedSince) {
  const auto stray_write = [](scenarios::Context& context) {
    const hal::DmaBuffer buffer = context.machine().alloc_dma_buffer(512, 512);
    static_cast<std::uint8_t*>(buffer.cpu)[512] ^= 0xff;
    context.machine().free_dma_buffer(buffer);
  };
  const RunResult result = run(stray_write);
  EXPECT_EQ(result.outcome, Outcome::failed);
  EXPECT_EQ(records(trace::Kind::guard).size(), 1u);
}

TEST_F(HarnessTest, AStrayWriteFailsTheRunAtItsEnd) {
  const RunResult result = run([](scenarios::Context& context) {
    const hal::DmaBuffer buffer = context.machine().alloc_dma_buffer(512, 512);
    static_cast<std::uint8_t*>(buffer.cpu)[-1] ^= 0xff;
  });
  EXPECT_EQ(result.outcome, Outcome::failed);
  EXPECT_NE(result.reason.find("outside"), std::string::npos);
}

// As a driver does that waits for memory to change and never calls relax.
void spin_without_relax(scenarios::Context& context) {
  auto* const observer = dynamic_cast<hal::Observer*>(&context.machine());
  ASSERT_NE(observer, nullptr);
  const hal::DmaBuffer buffer = context.machine().alloc_dma_buffer(4, 4);
  const hal::Observed memory(*observer);
  while (memory.load(static_cast<const std::uint32_t*>(buffer.cpu)) == 0) {
  }
}

TEST_F(HarnessTest, ASpinEndsWithABacktrace) {
  const RunResult result = run(spin_without_relax);
  EXPECT_EQ(result.outcome, Outcome::error);
  EXPECT_NE(result.reason.find("spins"), std::string::npos) << result.reason;
  EXPECT_NE(result.reason.find("run_scenario"), std::string::npos) << result.reason;
}

TEST_F(HarnessTest, WithoutTracingOnlyChecksAreRecorded) {
  const RunResult result = run(
      [](scenarios::Context& context) {
        context.check(false, "a check with a name of more than forty bytes, so that it takes two");
        context.observe("a number", 42);
      },
      Tracing::off);
  EXPECT_EQ(result.outcome, Outcome::failed);
  ASSERT_EQ(log_.records().size(), 3u);
  EXPECT_EQ(log_.records()[0].kind, trace::Kind::check);
  EXPECT_EQ(trace::text_at(log_.records(), 1), result.reason);
}

TEST_F(HarnessTest, TheDisksAreThoseThatTheSettingsName) {
  RunSettings settings;
  EXPECT_EQ(open_disk_images(plan_machine(settings), settings).at(0).bytes(), kGeneratedDiskBytes);
  settings.disks = {"/no/such/image"};
  EXPECT_THROW((void)open_disk_images(plan_machine(settings), settings), InputError);
}

}  // namespace
}  // namespace ringside::targets
