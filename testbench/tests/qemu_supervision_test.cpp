// A QEMU that dies, hangs or is no QEMU is a clear error; and whatever happens to the bench, no process and no
// descriptor stays behind.
#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>

#include "testbench/targets/harness.h"
#include "testbench/targets/target.h"
#include "testbench/tests/qemu_fixture.h"

namespace ringside::targets {
namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// A zombie does not: it only waits for its parent to notice.
bool runs(pid_t pid) {
  std::ifstream status(fmt::format("/proc/{}/stat", pid));
  const std::string text((std::istreambuf_iterator<char>(status)), {});
  return !text.empty() && !contains(text, ") Z ");
}

// A killed process takes a moment to go.
bool ends_soon(pid_t pid) {
  for (int look = 0; look < 200 && runs(pid); ++look) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return !runs(pid);
}

// Programs that stand in for QEMU. bash: they answer on descriptors of two digits.
class QemuStandIn : public testing::Test {
 protected:
  // So that the script can answer on the qtest socket as `>&$qtest`.
  static constexpr char kFindQtest[] =
      "for argument; do case $argument in socket,id=qtest0,fd=*) qtest=${argument##*=};; esac; done\n";
  static constexpr char kVersion[] =
      "if [ \"$1\" = --version ]; then echo 'QEMU emulator version 7.2.0 (stand-in)'; exit; fi\n";

  QemuStandIn() {
    std::string name = testing::TempDir() + "ringside-stand-in-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("mkdtemp");
    }
    folder_ = name;
  }
  ~QemuStandIn() override { std::filesystem::remove_all(folder_); }

  std::string script(const std::string& body) {
    std::string path = folder_ / "stand-in";
    std::ofstream(path) << "#!/bin/bash\n" << body;
    ::chmod(path.c_str(), 0700);
    return path;
  }

  // Why a machine made of such a script cannot be used.
  std::string complaint(const std::string& body) {
    constexpr std::chrono::seconds kLimit{1};
    try {
      const QemuMachine machine(script(body), plan_machine(RunSettings{}), {&disk_, 1}, kLimit);
    } catch (const RunAborted& problem) {
      return problem.what();
    }
    return "none";
  }

  // Why the target cannot be made.
  static std::string input_error(const std::string& binary, const std::string& machine = kPcType) {
    RunSettings settings;
    settings.machine = machine;
    try {
      (void)make_target(TargetSpec::parse("qemu,binary=" + binary), settings);
    } catch (const InputError& problem) {
      return problem.what();
    }
    return "none";
  }

  std::filesystem::path folder_;
  DiskImage disk_ = DiskImage::generated(4096, 1);
};

TEST_F(QemuStandIn, ThatExitsIsReportedWithItsStatusAndWhatItSaid) {
  const std::string text = complaint("echo 'no such thing' >&2; exit 3");
  EXPECT_TRUE(contains(text, "exited with status 3")) << text;
  EXPECT_TRUE(contains(text, "no such thing")) << text;
}

TEST_F(QemuStandIn, ThatTalksTooMuchIsQuotedFromTheEnd) {
  const std::string text = complaint("head -c 1000000 /dev/zero | tr '\\0' x; echo; echo 'the last line'; exit 1");
  EXPECT_TRUE(text.ends_with("the last line")) << text.substr(0, 100);
  EXPECT_LT(text.size(), 10'000u);
}

TEST_F(QemuStandIn, ThatAnswersNothingRunsIntoTheDeadline) {
  EXPECT_EQ(complaint("exec sleep 100"), "the run took longer than 1 s");
}

TEST_F(QemuStandIn, ThatWaitsInAChildOfItsOwnIsEndedWithIt) {
  const std::string pid_file = folder_ / "pid";
  EXPECT_EQ(complaint(fmt::format("sleep 100 & echo $! >'{}'; wait", pid_file)), "the run took longer than 1 s");
  pid_t sleeper = 0;
  std::ifstream(pid_file) >> sleeper;
  ASSERT_GT(sleeper, 0);
  EXPECT_TRUE(ends_soon(sleeper));
}

TEST_F(QemuStandIn, ThatAnswersGarbageIsQuoted) {
  const std::string text = complaint(std::string(kFindQtest) + "printf 'gar\\033bage\\n' >&$qtest; exec sleep 100");
  EXPECT_TRUE(contains(text, "answered \"gar?bage\"")) << text;
}

TEST_F(QemuStandIn, ThatRefusesIsQuoted) {
  const std::string text = complaint(std::string(kFindQtest) + "echo 'FAIL Unknown command' >&$qtest; exec sleep 100");
  EXPECT_TRUE(contains(text, "FAIL Unknown command")) << text;
  EXPECT_TRUE(contains(text, "irq_intercept_in")) << text;
}

TEST_F(QemuStandIn, ThatSendsALineWithoutEndIsStopped) {
  const std::string text = complaint(std::string(kFindQtest) + "exec cat /dev/zero >&$qtest");
  EXPECT_TRUE(contains(text, "a line that does not end")) << text;
}

TEST_F(QemuStandIn, ThatRaisesALineThatDoesNotExistIsRefused) {
  const std::string text = complaint(std::string(kFindQtest) + "echo 'IRQ raise 24' >&$qtest; exec sleep 100");
  EXPECT_TRUE(contains(text, "IRQ raise 24")) << text;
}

TEST_F(QemuStandIn, ThatIsNoQemuIsAnInputError) {
  for (const std::string& body : {std::string("echo 'GNU sed 4.9'"), std::string("exit 1"), std::string("exit 0")}) {
    const std::string text = input_error(script(body));
    EXPECT_TRUE(contains(text, folder_.string())) << text;
    EXPECT_TRUE(contains(text, "expected QEMU's system emulator")) << text;
    EXPECT_FALSE(contains(text, "\n")) << text;
  }
}

TEST_F(QemuStandIn, ThatSaysItIsQemuAndCannotServeIsAnInputError) {
  const std::string text = input_error(script(std::string(kVersion) + "echo 'no such machine' >&2; exit 1"));
  EXPECT_TRUE(contains(text, "cannot serve")) << text;
  EXPECT_TRUE(contains(text, "no such machine")) << text;
  EXPECT_FALSE(contains(text, "\n")) << text;
}

TEST_F(QemuStandIn, MissingOrNotExecutableIsAnInputError) {
  EXPECT_TRUE(contains(input_error("/no/such/qemu"), "/no/such/qemu: no such file"));
  EXPECT_TRUE(contains(input_error("no-such-qemu"), "no-such-qemu: no such file"));
  const std::string plain = script("");
  ::chmod(plain.c_str(), 0600);
  EXPECT_TRUE(contains(input_error(plain), "not executable"));
  EXPECT_TRUE(contains(input_error(folder_), "not executable"));
  EXPECT_TRUE(contains(input_error(""), "expected binary=PATH"));
}

// Restores PATH.
class WithoutPath {
 public:
  WithoutPath() { ::setenv("PATH", "/no/such/folder", 1); }
  ~WithoutPath() { ::setenv("PATH", old_.c_str(), 1); }

 private:
  std::string old_ = std::getenv("PATH");
};

TEST_F(QemuStandIn, NoneInstalledNamesThePackage) {
  const WithoutPath without_path;
  try {
    (void)make_target(TargetSpec::parse("qemu"), RunSettings{});
    FAIL() << "a QEMU was found";
  } catch (const LackingError& problem) {
    EXPECT_TRUE(contains(problem.what(), "apt install qemu-system-x86")) << problem.what();
  }
}

class QemuSupervisionTest : public QemuTest {};

TEST_F(QemuSupervisionTest, AMachineTypeThatQemuLacksIsAnInputError) {
  RunSettings settings;
  settings.machine = "pc-i440fx-99.9";
  try {
    (void)make_target(TargetSpec::parse("qemu"), settings);
    FAIL() << "it was taken";
  } catch (const InputError& problem) {
    EXPECT_TRUE(contains(problem.what(), "pc-i440fx-99.9")) << problem.what();
  }
  settings.machine = "microvm,accel=kvm";
  EXPECT_THROW((void)make_target(TargetSpec::parse("qemu"), settings), InputError);
}

TEST_F(QemuSupervisionTest, KilledBetweenAccessesIsSeenAtTheNextRead) {
  QemuMachine machine = power_on();
  ASSERT_EQ(::kill(machine.pid(), SIGKILL), 0);
  try {
    (void)machine.in32(0xcfc);
    FAIL() << "a dead QEMU answered";
  } catch (const RunAborted& problem) {
    EXPECT_TRUE(contains(problem.what(), "was ended by signal 9")) << problem.what();
  }
}

TEST_F(QemuSupervisionTest, KilledDuringAWaitIsSeenLongBeforeTheDeadline) {
  QemuMachine machine = power_on();
  std::jthread killer([pid = machine.pid()] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ::kill(pid, SIGKILL);
  });
  EXPECT_THROW((void)machine.wait(0, 0, 30 * hal::kSecond), RunAborted);
  EXPECT_LT(machine.now(), 5 * hal::kSecond);
}

TEST_F(QemuSupervisionTest, KilledDuringPollingIsSeen) {
  QemuMachine machine = power_on();
  ASSERT_EQ(::kill(machine.pid(), SIGKILL), 0);
  const auto poll = [&machine] {
    while (machine.now() < 30 * hal::kSecond) {
      machine.relax(30 * hal::kSecond);
    }
  };
  EXPECT_THROW(poll(), RunAborted);
}

TEST_F(QemuSupervisionTest, StoppedByASignalRunsIntoTheTimeOfTheRun) {
  QemuMachine machine = power_on(std::chrono::seconds(2));
  ASSERT_EQ(::kill(machine.pid(), SIGSTOP), 0);
  EXPECT_THROW((void)machine.in32(0xcfc), RunAborted);
}

// The bench is killed the hard way: nothing of it runs any more, the kernel alone must end QEMU.
TEST_F(QemuSupervisionTest, KillingTheBenchLeavesNoQemu) {
  int report[2];
  ASSERT_EQ(::pipe2(report, O_CLOEXEC), 0);
  const pid_t bench = ::fork();
  if (bench == 0) {
    const QemuMachine machine = power_on();
    const pid_t qemu = machine.pid();
    [[maybe_unused]] const ssize_t written = ::write(report[1], &qemu, sizeof qemu);
    ::pause();
    ::_exit(0);
  }
  ::close(report[1]);
  pid_t qemu = 0;
  ASSERT_EQ(::read(report[0], &qemu, sizeof qemu), static_cast<ssize_t>(sizeof qemu));
  ::close(report[0]);
  EXPECT_TRUE(runs(qemu));
  ::kill(bench, SIGKILL);
  ::waitpid(bench, nullptr, 0);
  EXPECT_TRUE(ends_soon(qemu));
}

std::ptrdiff_t open_descriptors() { return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}); }

TEST_F(QemuSupervisionTest, ManyStartsLeaveNoDescriptorAndNoZombie) {
  { const QemuMachine machine = power_on(); }
  const std::ptrdiff_t before = open_descriptors();
  for (int start = 0; start < 20; ++start) {
    const QemuMachine machine = power_on();
  }
  EXPECT_EQ(open_descriptors(), before);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD) << "a child was not waited for";
}

TEST_F(QemuSupervisionTest, QemuInheritsNothingButWhatItNeeds) {
  const int mine = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC, as a library might have it
  const QemuMachine machine = power_on();
  for (const auto& entry : std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", machine.pid()))) {
    if (entry.path().filename() != "0") {
      EXPECT_NE(std::filesystem::read_symlink(entry.path()), "/dev/null") << entry.path();
    }
  }
  ::close(mine);
}

}  // namespace
}  // namespace ringside::targets
