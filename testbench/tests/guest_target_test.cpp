// Target guest as the bench uses it: what its options are, and what is said of a guest that goes wrong.
#include "testbench/targets/guest_target.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "testbench/targets/guest_image.h"
#include "testbench/targets/guest_log.h"
#include "testbench/targets/guest_run.h"
#include "testbench/targets/harness.h"
#include "testbench/targets/target.h"
#include "testbench/tests/cli_program.h"
#include "testbench/tests/qemu_fixture.h"
#include "testbench/trace/memory_log.h"

namespace ringside::targets {
namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

class GuestTest : public QemuTest {
 protected:
  void SetUp() override {
    QemuTest::SetUp();
    if (!IsSkipped() && guest_image().rom.empty()) {
      GTEST_SKIP() << "built without the guest's image";
    }
  }

  static const scenarios::Scenario& scenario(const std::string& name) {
    for (const scenarios::Scenario& scenario : scenarios::all_scenarios()) {
      if (name == scenario.name) {
        return scenario;
      }
    }
    throw std::out_of_range(name);
  }

  // Why the target cannot be made.
  static std::string input_error(const std::string& options) {
    try {
      (void)make_target(TargetSpec::parse("guest," + options), RunSettings{});
    } catch (const InputError& problem) {
      return problem.what();
    }
    return "none";
  }
};

class GuestTargetTest : public GuestTest {};

TEST_F(GuestTargetTest, NamesBinaryVersionMachineAndWhoExecutesIt) {
  const auto target = make_target(TargetSpec::parse("guest"), RunSettings{});
  EXPECT_TRUE(target->identity().starts_with("QEMU ")) << target->identity();
  EXPECT_TRUE(contains(target->identity(), "pc-i440fx-7.2")) << target->identity();
  EXPECT_TRUE(target->identity().ends_with("the guest on tcg")) << target->identity();
  EXPECT_TRUE(target->quirks_of().starts_with("qemu-"));
}

TEST_F(GuestTargetTest, BadOptionsAreInputErrors) {
  EXPECT_TRUE(contains(input_error("accel=xen"), "accel=xen; expected tcg or kvm"));
  EXPECT_TRUE(contains(input_error("mistake=wild-pointr"), "did you mean \"wild-pointer\""));
  EXPECT_TRUE(contains(input_error("mistake="), "expected one of: wild-pointer"));
  EXPECT_TRUE(contains(input_error("binary="), "target guest: option binary has no value"));
}

TEST_F(GuestTargetTest, FaultsAreAGap) {
  const auto target = make_target(TargetSpec::parse("guest"), RunSettings{});
  const faults::Plan plan;
  RunSettings settings;
  settings.faults = &plan;
  EXPECT_NE(target->gap(scenario("polled"), settings), "");
  settings.faults = nullptr;
  EXPECT_EQ(target->gap(scenario("polled"), settings), "");
}

TEST_F(GuestTargetTest, ALogBeginsAndEndsAsOnEveryTarget) {
  const auto target = make_target(TargetSpec::parse("guest"), RunSettings{});
  trace::MemoryLog log;
  const RunResult result = target->run(scenario("identify"), RunSettings{}, log);
  EXPECT_EQ(result.outcome, Outcome::held) << result.reason;
  const std::vector<trace::Record>& records = log.records();
  ASSERT_GT(records.size(), 500u);
  EXPECT_EQ(records.front().kind, trace::Kind::power_on);
  EXPECT_EQ(records[records.size() - 2].kind, trace::Kind::disk_hash);
  EXPECT_EQ(records.back().kind, trace::Kind::verdict);
  EXPECT_EQ(records.back().value, 1u);
}

TEST_F(GuestTargetTest, WithoutTracingOnlyChecksAreRecorded) {
  const auto target = make_target(TargetSpec::parse("guest"), RunSettings{});
  RunSettings settings;
  settings.tracing = Tracing::off;
  trace::MemoryLog log;
  const RunResult result = target->run(scenario("polled"), settings, log);
  EXPECT_EQ(result.outcome, Outcome::held) << result.reason;
  EXPECT_FALSE(log.records().empty());
  for (const trace::Record& record : log.records()) {
    EXPECT_TRUE(record.kind == trace::Kind::check || record.kind == trace::Kind::text);
  }
}

// The interrupt descriptor table is wiped and the loop's next instruction made an invalid one: an exception that has no
// handler, for which there is no handler either.
TEST_F(GuestTargetTest, ATripleFaultIsToldWithTheRegistersOfTheCpu) {
  GuestOrder order;
  order.scenario = "polled";
  order.mistake = guest::Mistake::endless_loop;
  GuestRun run(default_qemu_path(), plan_machine(RunSettings{}), {&disk_, 1}, order, std::chrono::seconds(30));
  while (run.mailbox().state() != guest::State::started) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  const auto number_after = [](const std::string& text, const std::string& name) {
    std::uint64_t value = 0;
    const std::size_t at = text.find(name) + name.size();
    std::from_chars(text.data() + at, text.data() + text.size(), value, 16);
    return value;
  };
  const std::string registers = run.session().qmp().command_line("info registers");
  constexpr std::uint64_t kTableBytes = 32 * 16;
  for (std::uint64_t at = 0; at < kTableBytes; at += 8) {
    run.session().qtest().write("writeq", number_after(registers, "IDT=     ") + at, 0);
  }
  constexpr std::uint64_t kInvalidOpcode = 0x0b0f;
  run.session().qtest().write("writew", number_after(registers, "RIP="), kInvalidOpcode);
  trace::MemoryLog memory;
  GuestLog log(memory);
  try {
    run.serve(log);
    FAIL() << "it went on";
  } catch (const RunAborted& problem) {
    EXPECT_TRUE(contains(problem.what(), "triple fault")) << problem.what();
    EXPECT_TRUE(contains(problem.what(), "testbench/guest/mistakes.cpp")) << problem.what();
    EXPECT_TRUE(contains(problem.what(), "\n  rip 0000")) << problem.what();
  }
}

// What the command makes of a guest with that mistake, and whether anything of it is left.
class GuestMistakes : public GuestTest {
 protected:
  struct Told {
    int status = -1;
    nlohmann::json rows;
  };
  static Told run(const std::string& mistake, const std::vector<std::string>& rest) {
    std::vector<std::string> arguments{"run", "--on", "guest,mistake=" + mistake, "--json"};
    arguments.insert(arguments.end(), rest.begin(), rest.end());
    const tests::ProgramResult result = tests::run_program(arguments);
    return {result.status, nlohmann::json::parse(result.out).at("scenarios")};
  }
  static std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }
};

TEST_F(GuestMistakes, AWildPointerIsToldWithItsPlace) {
  const Told told = run("wild-pointer", {"polled"});
  EXPECT_EQ(told.status, 1);
  EXPECT_EQ(told.rows[0]["verdict"], "error");
  const std::string reason = told.rows[0]["reason"];
  EXPECT_TRUE(contains(first_line(reason), "page fault: writing")) << reason;
  EXPECT_TRUE(contains(first_line(reason), "write_through_wild_pointer() (testbench/guest/mistakes.cpp:")) << reason;
  EXPECT_TRUE(contains(reason, "at ringside::guest::run_scenario(")) << reason;
  EXPECT_TRUE(contains(reason, "\n  after these events:")) << reason;
  EXPECT_TRUE(contains(reason, "power on")) << reason;
}

TEST_F(GuestMistakes, AStackOverflowIsToldWithItsPlaceAndItsBeginning) {
  const Told told = run("stack-overflow", {"polled"});
  EXPECT_EQ(told.status, 1);
  const std::string reason = told.rows[0]["reason"];
  EXPECT_TRUE(contains(first_line(reason), "stack overflow")) << reason;
  EXPECT_TRUE(contains(first_line(reason), "(testbench/guest/mistakes.cpp:")) << reason;
  EXPECT_TRUE(contains(reason, "more calls]")) << reason;
  EXPECT_TRUE(contains(reason, "at ringside::guest::run_scenario(")) << reason;
}

TEST_F(GuestMistakes, AnEndlessLoopIsToldWithItsPlaceWhenTheTimeIsUp) {
  const Told told = run("endless-loop", {"polled", "--timeout", "2"});
  EXPECT_EQ(told.status, 1);
  const std::string reason = told.rows[0]["reason"];
  EXPECT_TRUE(reason.starts_with("the run took longer than 2 s, in ")) << reason;
  EXPECT_TRUE(contains(first_line(reason), "loop_for_ever() (testbench/guest/mistakes.cpp:")) << reason;
}

TEST_F(GuestMistakes, LeaveNoProcess) {
  tests::Program program({"run", "polled", "--on", "guest,mistake=endless-loop", "--timeout", "3"});
  std::vector<pid_t> below;
  for (int look = 0; look < 100 && below.size() < 2; ++look) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    below = tests::descendants_of(program.pid());
  }
  ASSERT_GE(below.size(), 2u) << "the worker and its QEMU";
  EXPECT_EQ(program.wait().status, 1);
  EXPECT_TRUE(tests::all_gone(below, std::chrono::seconds(2)));
}

// Nothing interrupts the CPU: a wait for an interrupt that is certain to come ends at its deadline.
TEST_F(GuestMistakes, MaskedInterruptsAreMissedByMsixAndByIntx) {
  for (const char* const machine : {"pc", "q35"}) {
    const Told told = run("masked-interrupts", {"msix", "intx", "polled", "--machine", machine, "--timeout", "300"});
    EXPECT_EQ(told.status, 1);
    for (const nlohmann::json& row : told.rows) {
      const bool polled = row["name"] == "polled";
      const std::vector<std::string> failed = row["failed_checks"];
      EXPECT_EQ(row["verdict"].get<std::string>(), polled ? "held" : "failed") << row["name"];
      EXPECT_EQ(std::ranges::count(failed, "an interrupt announces it"), polled ? 0 : 1) << row["name"];
    }
  }
}

// Where KVM exists it may still run nothing; that is known within seconds, and said.
TEST_F(GuestMistakes, KvmRunsItOrSaysThatItDoesNot) {
  const auto start = std::chrono::steady_clock::now();
  const tests::ProgramResult result = tests::run_program({"run", "polled", "--on", "guest,accel=kvm"});
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  const std::string said = result.out + result.err;
  if (result.status == 3) {
    EXPECT_TRUE(contains(said, "/dev/kvm")) << said;
    EXPECT_TRUE(contains(said, "accel=tcg")) << said;
  } else if (result.status != 0) {
    EXPECT_EQ(result.status, 1);
    EXPECT_TRUE(contains(said, "accel=tcg")) << said;
  }
}

}  // namespace
}  // namespace ringside::targets
