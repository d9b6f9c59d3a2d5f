// Whatever ends early, nothing stays behind.
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "testbench/tests/cli_program.h"

namespace ringside::tests {
namespace {

using namespace std::chrono_literals;

constexpr auto kPatience = 10s;

// Starts a long run on QEMU and waits until its QEMU runs.
class CliProcesses : public testing::Test {
 protected:
  void start(const std::vector<std::string>& arguments) {
    program_ = std::make_unique<Program>(arguments);
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (qemu_ < 0 && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(5ms);
      look();
    }
    ASSERT_GT(qemu_, 0) << "no QEMU was started";
  }

  std::unique_ptr<Program> program_;
  std::vector<pid_t> family_;
  pid_t qemu_ = -1;

 private:
  void look() {
    family_ = descendants_of(program_->pid());
    for (const pid_t pid : family_) {
      if (command_of(pid).rfind("qemu-system", 0) == 0) {
        qemu_ = pid;
      }
    }
  }
};

TEST_F(CliProcesses, QemuKilledInTheMiddleIsAnErrorThatSaysSo) {
  ASSERT_NO_FATAL_FAILURE(start({"run", "small-ring-wrap", "--on", "qemu", "--json"}));
  std::this_thread::sleep_for(200ms);
  ::kill(qemu_, SIGKILL);
  const ProgramResult result = program_->wait();
  EXPECT_EQ(result.status, 1) << result.err;
  const auto document = nlohmann::json::parse(result.out);
  EXPECT_EQ(document["scenarios"][0]["verdict"], "error");
  EXPECT_NE(document["scenarios"][0]["reason"].get<std::string>().find("QEMU"), std::string::npos) << document;
  EXPECT_TRUE(all_gone(family_, kPatience));
}

TEST_F(CliProcesses, BenchKilledOutrightLeavesNoProcess) {
  ASSERT_NO_FATAL_FAILURE(start({"compare", "small-ring-wrap"}));
  program_->kill(SIGKILL);
  EXPECT_EQ(program_->wait().status, 128 + SIGKILL);
  EXPECT_TRUE(all_gone(family_, kPatience));
}

TEST_F(CliProcesses, InterruptEndsWithItsOwnStatusAndLeavesNoProcess) {
  ASSERT_NO_FATAL_FAILURE(start({"compare", "small-ring-wrap"}));
  program_->kill(SIGINT);
  EXPECT_EQ(program_->wait().status, 130);
  EXPECT_TRUE(all_gone(family_, kPatience));
}

}  // namespace
}  // namespace ringside::tests
