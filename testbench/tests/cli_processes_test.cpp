// Whatever ends early, nothing stays behind.
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <filesystem>
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

// Starts a run that takes seconds on QEMU and waits until that QEMU is at work: before it come short ones that only
// tell their version or are started for nothing.
class CliProcesses : public testing::Test {
 protected:
  void start(const std::string& command, const std::vector<std::string>& more) {
    std::vector<std::string> arguments{command, "image", "--disk", image_};
    arguments.insert(arguments.end(), more.begin(), more.end());
    program_ = std::make_unique<Program>(arguments);
    ASSERT_TRUE(wait_for_qemu()) << "no QEMU was started";
  }

  std::unique_ptr<Program> program_;
  std::vector<pid_t> family_;
  pid_t qemu_ = -1;

 private:
  [[nodiscard]] bool wait_for_qemu() {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    auto since = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() < end) {
      const pid_t before = qemu_;
      look();
      if (qemu_ != before) {
        since = std::chrono::steady_clock::now();
      } else if (qemu_ > 0 && std::chrono::steady_clock::now() - since > 300ms) {
        return true;
      }
      std::this_thread::sleep_for(5ms);
    }
    return false;
  }
  void look() {
    family_ = descendants_of(program_->pid());
    qemu_ = -1;
    for (const pid_t pid : family_) {
      if (command_of(pid).rfind("qemu-system", 0) == 0) {
        qemu_ = pid;
      }
    }
  }
  static std::string sparse_image(const TemporaryDirectory& directory) {
    std::string path = directory.make("big.img", "");
    std::filesystem::resize_file(path, std::uintmax_t{2} << 30);
    return path;
  }

  TemporaryDirectory directory_;
  std::string image_ = sparse_image(directory_);
};

TEST_F(CliProcesses, QemuKilledInTheMiddleIsAnErrorThatSaysSo) {
  ASSERT_NO_FATAL_FAILURE(start("run", {"--on", "qemu", "--json"}));
  ::kill(qemu_, SIGKILL);
  const ProgramResult result = program_->wait();
  EXPECT_EQ(result.status, 1) << result.err;
  const auto document = nlohmann::json::parse(result.out);
  EXPECT_EQ(document["scenarios"][0]["verdict"], "error");
  EXPECT_NE(document["scenarios"][0]["reason"].get<std::string>().find("ended by signal 9"), std::string::npos)
      << result.err;
  EXPECT_TRUE(all_gone(family_, kPatience));
}

TEST_F(CliProcesses, BenchKilledOutrightLeavesNoProcess) {
  ASSERT_NO_FATAL_FAILURE(start("compare", {}));
  program_->kill(SIGKILL);
  EXPECT_EQ(program_->wait().status, 128 + SIGKILL);
  EXPECT_TRUE(all_gone(family_, kPatience));
}

TEST_F(CliProcesses, InterruptEndsWithItsOwnStatusAndLeavesNoProcess) {
  ASSERT_NO_FATAL_FAILURE(start("compare", {}));
  program_->kill(SIGINT);
  EXPECT_EQ(program_->wait().status, 130);
  EXPECT_TRUE(all_gone(family_, kPatience));
}

}  // namespace
}  // namespace ringside::tests
