// `run --debug`: a debugger that works a script through lands in the driver, at the event that was named; a run that
// stands still misses no deadline; and however the session ends, nothing is left running.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "testbench/tests/cli_program.h"

namespace ringside::tests {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 20s;
// gdb runs the program under itself, where a leak checker cannot work.
const Environment kUnderGdb{{"ASAN_OPTIONS", "detect_leaks=0"}};

bool in_path(const std::string& program) {
  std::istringstream path(std::getenv("PATH"));
  for (std::string directory; std::getline(path, directory, ':');) {
    if (::access((directory + "/" + program).c_str(), X_OK) == 0) {
      return true;
    }
  }
  return false;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// What the run knows of its own log.
std::vector<nlohmann::json> lines_of(const std::string& path) {
  std::vector<nlohmann::json> lines;
  std::istringstream text(contents_of(path));
  for (std::string line; std::getline(text, line);) {
    lines.push_back(nlohmann::json::parse(line));
  }
  return lines;
}

// On every target; the parameter is its name.
class CliDebug : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!in_path("gdb")) {
      GTEST_SKIP() << "gdb is not installed";
    }
    if (std::string(GetParam()) != "model" && !in_path("qemu-system-x86_64")) {
      GTEST_SKIP() << "qemu-system-x86_64 is not installed";
    }
  }

  [[nodiscard]] std::vector<std::string> arguments(const std::string& debug, const std::string& commands,
                                                   const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{
        "run", "flush", "--on", GetParam(), debug, "--debug-commands", directory_.make("commands.gdb", commands)};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  [[nodiscard]] ProgramResult debug(const std::string& debug, const std::string& commands,
                                    const std::vector<std::string>& more = {}) const {
    return run_program(arguments(debug, commands, more), kUnderGdb);
  }

  // Starts a session that stands still at a doorbell and then leaves; returns its processes.
  std::vector<pid_t> stand_still(const std::string& seconds) {
    program_ = std::make_unique<Program>(arguments("--debug=doorbell", "shell sleep " + seconds + "\n"), kUnderGdb);
    const auto end = std::chrono::steady_clock::now() + kPatience;
    std::vector<pid_t> family;
    while (!has(family, "sleep") && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(10ms);
      family = descendants_of(program_->pid());
    }
    family.push_back(program_->pid());
    return family;
  }
  [[nodiscard]] static bool has(const std::vector<pid_t>& family, const std::string& command) {
    return std::ranges::any_of(family, [&](pid_t pid) { return command_of(pid).rfind(command, 0) == 0; });
  }

  TemporaryDirectory directory_;
  std::unique_ptr<Program> program_;
};

TEST_P(CliDebug, EventStopsInTheDriverAndTheRunGoesOnToItsVerdict) {
  const ProgramResult result =
      debug("--debug=doorbell:2", "info symbol $pc\nprintf \"stack\\n\"\nbt\nprintf \"end\\n\"\ncontinue\n");
  EXPECT_EQ(result.status, 0) << result.out << result.err;
  EXPECT_TRUE(contains(result.out, "stopped at doorbell 2 of unit 0, queue 0")) << result.out << result.err;
  EXPECT_TRUE(contains(result.out, "\nringside::virtio::") || contains(result.out, "\nringside::block::"))
      << "the selected frame is not the driver's: " << result.out;
  const std::string stack = result.out.substr(std::min(result.out.find("\nstack\n"), result.out.size()));
  EXPECT_TRUE(contains(stack, "ringside_debug_stop")) << stack;
  EXPECT_TRUE(contains(stack, "ringside::scenarios::flush")) << stack;
  EXPECT_TRUE(contains(stack, "held   flush")) << stack;
}

TEST_P(CliDebug, WithoutAnEventItStopsAtTheFirstInstructionOfTheScenario) {
  const ProgramResult result = debug("--debug", "info symbol $pc\ncontinue\n");
  EXPECT_EQ(result.status, 0) << result.out << result.err;
  EXPECT_TRUE(contains(result.out, "\nringside::scenarios::flush(ringside::scenarios::Context&) in section .text"))
      << result.out << result.err;
  EXPECT_TRUE(contains(result.out, "held   flush")) << result.out;
}

TEST_P(CliDebug, EventsAreCountedAsTheLogCountsThem) {
  const std::string log = directory_.file("log.jsonl");
  ASSERT_EQ(run_program({"run", "flush", "--on", GetParam(), "--trace", log}).status, 0);
  const auto lines = lines_of(log);
  const auto last =
      std::ranges::count_if(lines, [](const auto& line) { return line.value("kind", "") == "device_status"; });
  ASSERT_GT(last, 4);

  const std::string event = "--debug=device_status:";
  const ProgramResult at_the_last = debug(event + std::to_string(last), "continue\n");
  EXPECT_EQ(at_the_last.status, 0) << at_the_last.err;
  EXPECT_TRUE(contains(at_the_last.out, "stopped at device_status")) << at_the_last.out;
  const ProgramResult after_it = debug(event + std::to_string(last + 1), "print 1\n");
  EXPECT_TRUE(contains(after_it.out, "the run ended before device_status")) << after_it.out << after_it.err;
  EXPECT_FALSE(contains(after_it.out, "stopped at")) << after_it.out;
}

// Longer than the limit of the run and than any time that the scenario has. What the log calls time goes on where it
// was.
TEST_P(CliDebug, TimeStandsStillWhileStopped) {
  const std::string log = directory_.file("log.jsonl");
  const ProgramResult result =
      debug("--debug=doorbell:2", "shell sleep 3\ncontinue\n", {"--timeout", "1", "--trace", log});
  EXPECT_EQ(result.status, 0) << result.out << result.err;
  EXPECT_TRUE(contains(result.out, "held   flush")) << result.out;
  const auto lines = lines_of(log);
  ASSERT_FALSE(lines.empty());
  EXPECT_LT(lines.back()["time"].get<std::uint64_t>(), 2'000'000'000u);
}

TEST_P(CliDebug, FailedRunKeepsItsStatus) {
  const ProgramResult result = debug("--debug=doorbell:2", "continue\n", {"--device", "read_only=on"});
  const ProgramResult plain = run_program({"run", "flush", "--on", GetParam(), "--device", "read_only=on"});
  EXPECT_EQ(plain.status, 1);
  EXPECT_EQ(result.status, plain.status) << result.out << result.err;
}

TEST_P(CliDebug, CommandThatFailsEndsTheSessionWithStatus1) {
  const ProgramResult result = debug("--debug=doorbell", "frame function no_such_function\ncontinue\n");
  EXPECT_EQ(result.status, 1) << result.out;
  EXPECT_TRUE(contains(result.err, "no_such_function")) << result.err;
  EXPECT_FALSE(contains(result.out, "held")) << result.out;
}

TEST_P(CliDebug, DebuggerThatLeavesTakesTheRunWithIt) {
  const std::vector<pid_t> family = stand_still("1");
  EXPECT_EQ(has(family, "qemu-system"), std::string(GetParam()) != "model");
  const ProgramResult result = program_->wait();
  EXPECT_TRUE(contains(result.out, "stopped at doorbell 1")) << result.out << result.err;
  EXPECT_FALSE(contains(result.out, "held   flush")) << result.out;
  EXPECT_TRUE(all_gone(family, kPatience));
}

TEST_P(CliDebug, DebuggerThatIsKilledLeavesNoProcess) {
  std::vector<pid_t> family = stand_still("20");
  std::erase_if(family, [](pid_t pid) { return command_of(pid) == "sleep" || command_of(pid) == "sh"; });
  const auto gdb = std::ranges::find(family, "gdb", command_of);
  ASSERT_NE(gdb, family.end()) << "no session was started";
  EXPECT_EQ(has(family, "qemu-system"), std::string(GetParam()) != "model");
  ::kill(*gdb, SIGKILL);
  (void)program_->wait();
  EXPECT_TRUE(all_gone(family, kPatience));
}

// On model and qemu it has become gdb; on guest gdb is its child.
TEST_P(CliDebug, CommandThatIsKilledLeavesNoProcess) {
  std::vector<pid_t> family = stand_still("20");
  std::erase_if(family, [](pid_t pid) { return command_of(pid) == "sleep" || command_of(pid) == "sh"; });
  ASSERT_TRUE(has(family, "gdb")) << "no session was started";
  program_->kill(SIGKILL);
  EXPECT_EQ(program_->wait().status, 128 + SIGKILL);
  EXPECT_TRUE(all_gone(family, kPatience));
}

INSTANTIATE_TEST_SUITE_P(Targets, CliDebug, testing::Values("model", "qemu", "guest"),
                         [](const auto& suite) { return std::string(suite.param); });

class CliDebugOfACrash : public CliDebug {};

// The debugger sees where the guest gave up; let go on, it has ended, and the report says the rest.
TEST_P(CliDebugOfACrash, GuestStandsStillAndIsReported) {
  const std::string commands = directory_.make("crash.gdb", "bt\nprintf \"looked\\n\"\ncontinue\n");
  const ProgramResult result = run_program(
      {"run", "flush", "--on", "guest,mistake=wild-pointer", "--debug=doorbell", "--debug-commands", commands});
  EXPECT_EQ(result.status, 1) << result.out << result.err;
  EXPECT_TRUE(contains(result.out, "stopped, but not at doorbell")) << result.out;
  EXPECT_TRUE(contains(result.out, "looked\n")) << result.out << result.err;
  EXPECT_TRUE(contains(result.out, "page fault")) << result.out;
}

INSTANTIATE_TEST_SUITE_P(Targets, CliDebugOfACrash, testing::Values("guest"),
                         [](const auto& suite) { return std::string(suite.param); });

void expect_refusal(const std::vector<std::string>& arguments, int status, const std::string& part,
                    const Environment& environment = {}) {
  const ProgramResult result = run_program(arguments, environment);
  EXPECT_EQ(result.status, status) << result.err;
  EXPECT_EQ(std::ranges::count(result.err, '\n'), 1) << result.err;
  EXPECT_TRUE(contains(result.err, part)) << result.err;
}

TEST(CliDebugInput, EventThatDoesNotExistSuggestsANearOne) {
  expect_refusal({"run", "flush", "--debug=dorbell:2"}, 2, "did you mean \"doorbell\"?");
  expect_refusal({"run", "flush", "--debug=fence"}, 2, "unknown event \"fence\"");
}

TEST(CliDebugInput, EventThatCannotBeReadIsRefused) {
  expect_refusal({"run", "flush", "--debug=doorbell:0"}, 2, "expected a number from 1");
  expect_refusal({"run", "flush", "--debug=doorbell:2x"}, 2, "nth \"2x\"");
  expect_refusal({"run", "flush", "--debug=doorbell,queue=65536"}, 2, "expected a number from 0 to 65535");
  expect_refusal({"run", "flush", "--debug=doorbell,unit=255"}, 2, "expected a number from 0 to 254");
  expect_refusal({"run", "flush", "--debug=doorbell,quue=1"}, 2, "did you mean \"queue\"?");
  expect_refusal({"run", "flush", "--debug=doorbell,3"}, 2, "expected KIND[:NTH]");
}

TEST(CliDebugInput, PlaceThatTheEventHasNotGotIsRefused) {
  expect_refusal({"run", "flush", "--debug=relax,unit=1"}, 2, "relax belongs to no unit");
  expect_refusal({"run", "flush", "--debug=config_read,queue=0"}, 2, "config_read belongs to no queue");
}

TEST(CliDebugInput, OneScenarioAtATime) {
  expect_refusal({"run", "flush", "batch", "--debug"}, 2, "expected one scenario, found 2");
}

TEST(CliDebugInput, StandardOutputIsTheDebuggers) {
  expect_refusal({"run", "flush", "--debug", "--json"}, 2, "expected no --json");
}

TEST(CliDebugInput, CommandsWantADebuggerAndAFile) {
  expect_refusal({"run", "flush", "--debug-commands", "/dev/null"}, 2, "expected --debug with it");
  expect_refusal({"run", "flush", "--debug", "--debug-commands", "/no/such/file"}, 2, "/no/such/file");
}

TEST(CliDebugInput, WithoutGdbItSaysWhatToInstall) {
  expect_refusal({"run", "flush", "--debug"}, 3, "apt install gdb", {{"PATH", "/nonexistent"}});
}

}  // namespace
}  // namespace ringside::tests
