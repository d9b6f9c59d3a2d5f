// One elaboration, many runs: a power cycle leaves nothing behind, and how DMA is carried makes no difference.
#include "testbench/tests/model_bench.h"

namespace ringside::tests::model_tests {
namespace {

const scenarios::Scenario& scenario(const std::string& name) {
  for (const scenarios::Scenario& candidate : scenarios::all_scenarios()) {
    if (candidate.name == name) {
      return candidate;
    }
  }
  throw std::runtime_error("no scenario " + name);
}

std::vector<trace::Record> log_of(const std::string& name, const std::string& spec = "model") {
  return run_on_model(scenario(name).run, spec, targets::Tracing::events);
}

bool same_bytes(const std::vector<trace::Record>& a, const std::vector<trace::Record>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof a[0]) == 0;
}

// Leaves everything in disorder: a request in flight, a masked interrupt, registers written, RAM full of marks.
void leave_a_mess(scenarios::Context& context) {
  hal::Machine& machine = context.machine();
  RawDisk disk(machine);
  disk.bring_up();
  disk.use_msix(3);
  disk.mask_vector(true);
  disk.submit_read(5);
  disk.settle();
  disk.mask_vector(false);
  disk.submit_read(6);
  disk.config.write32(kDisk, 0xf0, 0xdead'beef);
  disk.config.write8({1, 0}, 0x63, 11);
  machine.out32(0xcf8, 0x8000'1234);
  const hal::DmaBuffer buffer = machine.alloc_dma_buffer(1u << 20, 4096);
  std::memset(buffer.cpu, 0xa5, buffer.size);
}

TEST(ModelPowerCycle, Run50EqualsRun1) {
  const auto first = log_of("msix");
  for (int i = 2; i < 50; ++i) {
    run_on_model(leave_a_mess);
  }
  EXPECT_TRUE(same_bytes(first, log_of("msix")));
}

TEST(ModelPowerCycle, EverythingIsBackToPowerOn) {
  run_on_model(leave_a_mess);
  run_on_model([](scenarios::Context& context) {
    hal::Machine& machine = context.machine();
    EXPECT_EQ(machine.now(), 0u);
    EXPECT_EQ(machine.interrupts(3), 0u);
    Config config(machine);
    EXPECT_EQ(config.read32(kDisk, 0xf0), 0u);
    EXPECT_EQ(config.read32(kDisk, 0x20), 0x0cu);
    EXPECT_EQ(config.read8({1, 0}, 0x63), 0x80);
    // DMA memory is cleared when it is handed out; what nobody handed out is reached by the CPU's own loads.
    for (std::uint64_t at = 16u << 20; at < (18u << 20); at += 4096) {
      ASSERT_EQ(machine.mmio_read32(at), 0u) << at;
    }
    EXPECT_FALSE(machine.wait(3, 0, 10 * hal::kMillisecond)) << "nothing of the run before arrives";
  });
}

// A run clears what the one before it used, and also what its device or its CPU wrote beyond that.
TEST(ModelPowerCycle, WhatWasWrittenWhereNothingWasHandedOutIsGone) {
  constexpr std::uint64_t kByDevice = (16u << 20) + (512u << 10);
  constexpr std::uint64_t kByCpu = kByDevice + (256u << 10);
  for (const char* const spec : {"model", "model,dmi=off"}) {
    run_on_model(leave_a_mess);  // so that all of this is memory that stays from run to run
    run_on_model(
        [](scenarios::Context& context) {
          RawDisk disk(context.machine());
          disk.bring_up();
          disk.set_header(0, 5);
          disk.set_descriptor(0, disk.bus(RawDisk::kHeader), 16, RawDisk::kNext, 1);
          disk.set_descriptor(1, kByDevice, 512, RawDisk::kNext | RawDisk::kWrite, 2);
          disk.set_descriptor(2, disk.bus(RawDisk::kStatus), 1, RawDisk::kWrite, 0);
          disk.kick(0);
          disk.settle();
          EXPECT_EQ(disk.request_status(), 0);
          EXPECT_NE(context.machine().mmio_read32(kByDevice), 0u);
        },
        spec);
    run_on_model([](scenarios::Context& context) {
      EXPECT_EQ(context.machine().mmio_read32(kByDevice), 0u);
      context.machine().mmio_write32(kByCpu, 0xdead'beef);
    });
    run_on_model([](scenarios::Context& context) { EXPECT_EQ(context.machine().mmio_read32(kByCpu), 0u); });
  }
}

TEST(ModelPowerCycle, DmiOrTransactionsGiveTheSameLog) {
  for (const char* const name : {"read-write", "scatter-gather", "event-index", "queue-reset", "discard", "get-id"}) {
    EXPECT_TRUE(same_bytes(log_of(name), log_of(name, "model,dmi=off"))) << name;
  }
}

TEST(ModelPowerCycle, LogTimeNeverRunsBackwards) {
  std::uint64_t last = 0;
  for (const trace::Record& record : log_of("batch")) {
    ASSERT_GE(record.time, last);
    last = record.time;
  }
  EXPECT_GT(last, 0u);
}

TEST(ModelPowerCycle, LatenciesShowInTime) {
  const auto duration = [](const char* value) {
    targets::RunSettings settings;
    settings.values["latency.media_read_ns"] = value;
    const auto target = targets::make_model_target(targets::TargetSpec::parse("model"), settings);
    trace::MemoryLog log;
    EXPECT_EQ(target->run(scenario("read-write"), settings, log).outcome, targets::Outcome::held);
    return log.take().back().time;
  };
  EXPECT_GT(duration("500000"), duration("1000") + 499'000);
}

// A lost interrupt must not hang the bench, not even when the driver waits without a deadline.
TEST(ModelPowerCycle, EndlessWaitForNothingEndsTheRun) {
  const auto outcome_of = [](Program program, const char* spec) {
    targets::RunSettings settings;
    settings.tracing = targets::Tracing::off;
    trace::MemoryLog log;
    const scenarios::Scenario endless{"endless", "", program};
    return targets::make_model_target(targets::TargetSpec::parse(spec), settings)->run(endless, settings, log).outcome;
  };
  const Program wait = [](scenarios::Context& context) { (void)context.machine().wait(3, 0, ~std::uint64_t{0}); };
  const Program relax = [](scenarios::Context& context) { context.machine().relax(~std::uint64_t{0}); };
  const Program read_endlessly = [](scenarios::Context& context) {
    RawDisk disk(context.machine());
    disk.bring_up();
    disk.use_msix(3);
    for (std::uint64_t count = 0;; ++count) {
      disk.submit_read(1);
      (void)context.machine().wait(3, count, ~std::uint64_t{0});
    }
  };
  EXPECT_EQ(outcome_of(wait, "model"), targets::Outcome::error);
  EXPECT_EQ(outcome_of(relax, "model"), targets::Outcome::error);
  EXPECT_EQ(outcome_of(read_endlessly, "model,mutant=interrupt-missing"), targets::Outcome::error);
  run_on_model([](scenarios::Context& context) { EXPECT_EQ(context.machine().now(), 0u); });
}

TEST(ModelSettings, UnknownKeysAndValuesAreInputErrors) {
  targets::RunSettings settings;
  const auto make = [&settings](const char* spec) {
    (void)targets::make_model_target(targets::TargetSpec::parse(spec), settings);
  };
  EXPECT_THROW(make("model,dmi=perhaps"), targets::InputError);
  EXPECT_THROW(make("model,quirks=bochs-2.6"), targets::InputError);
  settings.values["latency.media_read_ns"] = "-1";
  EXPECT_THROW(make("model"), targets::InputError);
  settings.values = {{"latency.media_red_ns", "1"}};
  EXPECT_THROW(make("model"), targets::InputError);
  settings.values.clear();
  settings.machine = "pc-q35-6.2";
  EXPECT_THROW(make("model"), targets::InputError);
}

}  // namespace
}  // namespace ringside::tests::model_tests
