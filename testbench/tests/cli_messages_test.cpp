// Exit statuses and messages: 2 for what the user got wrong, with one line that says what was expected; 3 for what the
// machine lacks.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "testbench/tests/cli_program.h"

namespace ringside::tests {
namespace {

// One line on stderr that holds `part`; nothing on stdout.
void expect_refusal(const ProgramResult& result, int status, const std::string& part) {
  EXPECT_EQ(result.status, status) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  EXPECT_NE(result.err.find(part), std::string::npos) << result.err;
}

TEST(CliMessages, UnknownCommandSuggestsANearName) {
  expect_refusal(run_program({"comapre"}), 2, "did you mean \"compare\"?");
}

TEST(CliMessages, UnknownOptionIsRefused) { expect_refusal(run_program({"run", "flush", "--sede", "3"}), 2, "--sede"); }

TEST(CliMessages, NothingSelectedIsRefused) { expect_refusal(run_program({"run"}), 2, "nothing selected"); }

TEST(CliMessages, UnknownScenarioSuggestsANearName) {
  expect_refusal(run_program({"run", "read-wirte"}), 2, "did you mean \"read-write\"?");
  expect_refusal(run_program({"compare", "read-wirte"}), 2, "did you mean \"read-write\"?");
}

TEST(CliMessages, GlobThatMatchesNothingIsRefused) {
  expect_refusal(run_program({"run", "zz*"}), 2, "no scenario matches \"zz*\"");
}

TEST(CliMessages, UnknownTargetIsRefused) {
  expect_refusal(run_program({"run", "flush", "--on", "modl"}), 2, "did you mean \"model\"?");
}

TEST(CliMessages, UnknownTargetOptionIsRefused) {
  expect_refusal(run_program({"run", "flush", "--on", "model,frobnicate=1"}), 2, "unknown option \"frobnicate\"");
  expect_refusal(run_program({"compare", "flush", "--right", "qemu,binari=x"}), 2, "did you mean \"binary\"?");
}

TEST(CliMessages, UnknownMachineIsRefused) {
  expect_refusal(run_program({"run", "flush", "--machine", "pdp11"}), 2, "pdp11");
}

TEST(CliMessages, PropertiesThatNoDiskHasAreRefused) {
  expect_refusal(run_program({"run", "flush", "--device", "num_queues=4"}), 2, "did you mean \"num-queues\"?");
  expect_refusal(run_program({"compare", "flush", "--device", "packed=perhaps"}), 2, "expected on or off");
  expect_refusal(run_program({"run", "flush", "--device", "", "--device", "bus=port0"}), 2, "--machine q35");
}

TEST(CliMessages, SettingWithoutValueIsRefused) {
  expect_refusal(run_program({"run", "flush", "--set", "latency"}), 2, "expected KEY=VALUE");
}

TEST(CliMessages, UnknownSettingIsRefused) {
  expect_refusal(run_program({"run", "flush", "--set", "no-such-setting=1"}), 2, "no-such-setting");
}

TEST(CliMessages, SeedThatIsNoNumberIsRefused) {
  expect_refusal(run_program({"run", "flush", "--seed", "one"}), 2, "--seed");
}

TEST(CliMessages, MissingImageIsRefused) {
  expect_refusal(run_program({"run", "image", "--disk", "/nonexistent.img"}), 2, "/nonexistent.img");
  expect_refusal(run_program({"compare", "image", "--disk", "/nonexistent.img"}), 2, "/nonexistent.img");
}

TEST(CliMessages, EmptyImageIsRefused) {
  const TemporaryDirectory directory;
  const std::string image = directory.make("empty.img", "");
  expect_refusal(run_program({"run", "image", "--disk", image}), 2, "is empty");
}

TEST(CliMessages, ImageOfNoWholeSectorsIsRefused) {
  const TemporaryDirectory directory;
  const std::string image = directory.make("odd.img", std::string(1000, 'x'));
  expect_refusal(run_program({"run", "image", "--disk", image}), 2, "multiple of 512");
}

TEST(CliMessages, UnwritableOutputsAreRefusedBeforeTheRun) {
  for (const char* option : {"--trace", "--wave", "--junit"}) {
    const std::string path = std::string("/nonexistent/out") + (option == std::string("--wave") ? ".vcd" : ".rlog");
    expect_refusal(run_program({"run", "read-write", option, path}), 2, path);
  }
  expect_refusal(run_program({"run", "read-write", "--timeline", "/nonexistent/t.json"}), 2, "/nonexistent/t.json");
  expect_refusal(run_program({"compare", "read-write", "--report", "/proc/report"}), 2, "/proc/report");
}

TEST(CliMessages, OutputOfUnknownFormatIsRefused) {
  expect_refusal(run_program({"run", "flush", "--wave", "w.png"}), 2, ".vcd");
  expect_refusal(run_program({"run", "flush", "--trace", "t.txt"}), 2, ".rlog");
  expect_refusal(run_program({"run", "flush", "--timeline", "t.jsonl"}), 2, "ends in .json");
}

// The program does not run the tests, but who looks for how to is shown its help.
TEST(CliMessages, HelpKnowsTheLauncher) {
  EXPECT_NE(run_program({"--help"}).out.find("two commands more: test, and get-qemu"), std::string::npos);
}

TEST(CliMessages, CheckingAnOutputLeavesNothingBehind) {
  const TemporaryDirectory directory;
  const std::string wave = directory.file("w.vcd");
  EXPECT_EQ(run_program({"run", "image", "--disk", "/nonexistent.img", "--wave", wave}).status, 2);
  EXPECT_EQ(contents_of(wave), "");
  EXPECT_NE(::access(wave.c_str(), F_OK), 0);
}

TEST(CliMessages, WriteThroughNeedsADiskAndIsNothingForCompare) {
  expect_refusal(run_program({"run", "flush", "--write-through"}), 2, "--disk");
  expect_refusal(run_program({"compare", "flush", "--write-through", "--disk", "x.img"}), 2, "--write-through");
}

TEST(CliMessages, MissingQemuSaysWhatToInstall) {
  const ProgramResult result = run_program({"compare", "flush"}, {{"PATH", "/nonexistent"}});
  expect_refusal(result, 3, "qemu-system-x86");
}

TEST(CliMessages, MissingQemuBinaryIsNamed) {
  expect_refusal(run_program({"compare", "flush", "--right", "qemu,binary=/nonexistent/qemu"}), 2, "/nonexistent/qemu");
}

TEST(CliMessages, MissingLogIsRefused) {
  expect_refusal(run_program({"diff", "/nonexistent/a.rlog", "/nonexistent/b.rlog"}), 2, "/nonexistent/a.rlog");
  expect_refusal(run_program({"export", "/nonexistent/a.rlog", "--to", "x.vcd"}), 2, "/nonexistent/a.rlog");
}

TEST(CliMessages, FileThatIsNoLogIsRefused) {
  const TemporaryDirectory directory;
  const std::string log = directory.make("a.rlog", "not a log at all, but longer than any header would be: 0123456789");
  expect_refusal(run_program({"export", log, "--to", directory.file("x.vcd")}), 2, log);
}

}  // namespace
}  // namespace ringside::tests
