// The qemu target as the bench uses it.
#include "testbench/targets/qemu_target.h"

#include <unistd.h>

#include <csignal>
#include <string>

#include "testbench/targets/target.h"
#include "testbench/tests/qemu_fixture.h"
#include "testbench/trace/memory_log.h"

namespace ringside::targets {
namespace {

class QemuTargetTest : public QemuTest {
 protected:
  void SetUp() override {
    QemuTest::SetUp();
    if (!IsSkipped()) {
      target_ = make_target(TargetSpec::parse("qemu"), settings_);
    }
  }

  RunResult run(void (*body)(scenarios::Context&)) {
    return target_->run(scenarios::Scenario{"of-a-test", "", body}, settings_, log_);
  }

  RunSettings settings_;
  std::unique_ptr<Target> target_;
  trace::MemoryLog log_;
};

TEST_F(QemuTargetTest, NamesBinaryVersionAndMachine) {
  const std::string identity = target_->identity();
  EXPECT_TRUE(identity.starts_with("QEMU ")) << identity;
  EXPECT_NE(identity.find("pc-i440fx-7.2"), std::string::npos) << identity;
  EXPECT_NE(identity.find(kDefaultQemu), std::string::npos) << identity;
  EXPECT_TRUE(target_->quirks_of().starts_with("qemu-")) << target_->quirks_of();
}

TEST_F(QemuTargetTest, EveryScenarioHoldsOrSaysWhyItIsSkipped) {
  unsigned held = 0;
  for (const scenarios::Scenario& scenario : scenarios::all_scenarios()) {
    log_.clear();
    const RunResult result = target_->run(scenario, settings_, log_);
    EXPECT_EQ(result.outcome == Outcome::skipped, log_.records().empty()) << scenario.name;
    EXPECT_EQ(result.outcome == Outcome::skipped, !target_->gap(scenario, settings_).empty()) << scenario.name;
    EXPECT_TRUE(result.outcome == Outcome::held || result.outcome == Outcome::skipped)
        << scenario.name << ": " << result.reason;
    EXPECT_EQ(result.outcome == Outcome::held, result.reason.empty()) << scenario.name;
    held += result.outcome == Outcome::held ? 1 : 0;
  }
  EXPECT_GE(held, 40u);
}

TEST_F(QemuTargetTest, ASmallRunIsQuick) {
  const RunResult result = run([](scenarios::Context& context) { context.check(true, "nothing to do"); });
  EXPECT_EQ(result.outcome, Outcome::held);
  EXPECT_LT(result.seconds, 2.0) << "a start takes some 30 ms on an idle machine";
}

TEST_F(QemuTargetTest, AnswersWhatItCanAndSaysWhatItCannot) {
  const RunResult result = run([](scenarios::Context& context) {
    using scenarios::Ask;
    scenarios::Bench& bench = context.bench();
    context.check(bench.ask(Ask::disk_sectors, 0) == kGeneratedDiskBytes / 512, "the disk has its size");
    context.check(bench.ask(Ask::disk_sectors, 1) == scenarios::kNotAvailable, "there is no second disk");
    context.check(bench.ask(Ask::resize, 100) == 100, "the disk is resized");
    context.check(bench.ask(Ask::disk_sectors, 0) == 100, "the disk has its new size");
    context.check(bench.ask(Ask::resize, ~std::uint64_t{0}) == scenarios::kNotAvailable, "but not to anything");
    context.check(bench.ask(Ask::hold, 0) == scenarios::kNotAvailable, "completions cannot be held");
  });
  EXPECT_EQ(result.outcome, Outcome::held) << result.reason;
}

TEST_F(QemuTargetTest, AMissingImageIsAnInputError) {
  settings_.disks = {"/no/such/image"};
  EXPECT_THROW((void)run([](scenarios::Context&) {}), InputError);
}

}  // namespace
}  // namespace ringside::targets
