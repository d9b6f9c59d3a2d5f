#include "testbench/cli/gdb.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <iterator>
#include <system_error>

#include "testbench/targets/target.h"

namespace ringside::cli {
namespace {

std::vector<char*> arguments(std::vector<std::string>& words) {
  std::vector<char*> argv;
  std::ranges::transform(words, std::back_inserter(argv), [](std::string& word) { return word.data(); });
  argv.push_back(nullptr);
  return argv;
}

[[noreturn]] void complain(int error) {
  if (error == ENOENT) {
    throw targets::LackingError("gdb is not installed: apt install gdb");
  }
  throw std::system_error(error, std::generic_category(), "gdb");
}

}  // namespace

void become_gdb(std::vector<std::string> words) {
  const std::vector<char*> argv = arguments(words);
  std::fflush(nullptr);
  ::execvp(argv.front(), argv.data());
  complain(errno);
}

Gdb::Gdb(std::vector<std::string> words) {
  const std::vector<char*> argv = arguments(words);
  int failure[2];  // closes itself when the child has become gdb
  if (::pipe2(failure, O_CLOEXEC) != 0) {
    complain(errno);
  }
  std::fflush(nullptr);
  ::signal(SIGINT, SIG_IGN);  // the terminal sends it to both
  pid_ = ::fork();
  if (pid_ == 0) {
    ::signal(SIGINT, SIG_DFL);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::execvp(argv.front(), argv.data());
    const int error = errno;
    [[maybe_unused]] const ssize_t written = ::write(failure[1], &error, sizeof error);
    ::_exit(127);
  }
  int error = pid_ < 0 ? errno : 0;
  ::close(failure[1]);
  const ssize_t size = ::read(failure[0], &error, sizeof error);
  ::close(failure[0]);
  if (pid_ < 0 || size > 0) {
    ::signal(SIGINT, SIG_DFL);
    (void)::waitpid(pid_, nullptr, 0);
    complain(error);
  }
}

Gdb::~Gdb() {
  if (pid_ > 0 && !ended_) {
    ::kill(pid_, SIGKILL);
    take_status(true);
  }
  ::signal(SIGINT, SIG_DFL);
}

void Gdb::take_status(bool wait) {
  pid_t which = 0;
  while (!ended_ && (which = ::waitpid(pid_, &status_, wait ? 0 : WNOHANG)) < 0 && errno == EINTR) {
  }
  ended_ = ended_ || which != 0;
}

bool Gdb::ended() {
  take_status(false);
  return ended_;
}

bool Gdb::succeeded() {
  take_status(true);
  return WIFEXITED(status_) && WEXITSTATUS(status_) == 0;
}

}  // namespace ringside::cli
