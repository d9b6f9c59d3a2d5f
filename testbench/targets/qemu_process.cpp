#include "testbench/targets/qemu_process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <thread>

#include "testbench/targets/descriptor.h"

namespace ringside::targets {
namespace {

constexpr std::size_t kOutputKept = 8u << 10;
// For a process that has closed a socket to end, too.
constexpr std::chrono::milliseconds kGrace{200};

struct Pipe {
  Descriptor read;
  Descriptor write;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe");
  }
  return {Descriptor(ends[0]), Descriptor(ends[1])};
}

// All that the child needs between fork and exec, made before: there only async-signal-safe calls are allowed.
struct Launch {
  const char* binary;
  char* const* arguments;
  std::span<const int> inherited;
  int output;
  int failure;  // where the child writes errno when it does not get as far as QEMU
  pid_t parent;
};

[[noreturn]] void give_up(const Launch& launch) {
  const int error = errno;
  [[maybe_unused]] const ssize_t written = ::write(launch.failure, &error, sizeof error);
  ::_exit(127);
}

// 0 once the child has become the program: the pipe's other end closed itself.
int read_failure(int pipe) {
  int error = 0;
  ssize_t size;
  do {
    size = ::read(pipe, &error, sizeof error);
  } while (size < 0 && errno == EINTR);
  return size == static_cast<ssize_t>(sizeof error) ? error : 0;
}

[[noreturn]] void become(const Launch& launch) {
  // A group of its own: Ctrl-C on the terminal is the bench's to handle, and all of a wrapper script can be ended.
  ::setpgid(0, 0);
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
    give_up(launch);
  }
  if (::getppid() != launch.parent) {  // the bench died before the line above
    ::_exit(127);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int nothing = ::open("/dev/null", O_RDONLY);
  if (nothing < 0 || ::dup2(nothing, STDIN_FILENO) < 0 || ::dup2(launch.output, STDOUT_FILENO) < 0 ||
      ::dup2(launch.output, STDERR_FILENO) < 0) {
    give_up(launch);
  }
  ::close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
  for (const int fd : launch.inherited) {
    if (::fcntl(fd, F_SETFD, 0) != 0) {
      give_up(launch);
    }
  }
  ::execv(launch.binary, launch.arguments);
  give_up(launch);
}

}  // namespace

struct QemuProcess::Reader {
  explicit Reader(boost::asio::io_context& events) : context(events), pipe(events) {}

  boost::asio::io_context& context;
  boost::asio::posix::stream_descriptor pipe;
  std::array<char, 4096> piece{};
};

QemuProcess::QemuProcess(boost::asio::io_context& context, const std::string& binary,
                         const std::vector<std::string>& arguments, std::span<const int> inherited)
    : reader_(std::make_unique<Reader>(context)), name_(std::filesystem::path(binary).filename()) {
  std::vector<char*> argv{const_cast<char*>(binary.c_str())};
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));
  }
  argv.push_back(nullptr);
  Pipe output = make_pipe();
  Pipe failure = make_pipe();
  const Launch launch{binary.c_str(), argv.data(), inherited, output.write.get(), failure.write.get(), ::getpid()};
  pid_ = ::fork();
  if (pid_ == 0) {
    become(launch);
  }
  if (pid_ < 0) {
    throw std::system_error(errno, std::generic_category(), "fork");
  }
  output.write.close();
  failure.write.close();
  if (const int error = read_failure(failure.read.get()); error != 0) {
    end();
    throw std::system_error(error, std::generic_category(), binary);
  }
  reader_->pipe.assign(output.read.release());
  read_output();
}

QemuProcess::~QemuProcess() { end(); }

void QemuProcess::read_output() {
  const auto taken = [this](const boost::system::error_code& error, std::size_t size) {
    if (!error) {
      take_output(size);
      read_output();
    } else if (error != boost::asio::error::operation_aborted) {
      reader_->pipe.close();
    }
  };
  reader_->pipe.async_read_some(boost::asio::buffer(reader_->piece), taken);
}

void QemuProcess::take_output(std::size_t size) {
  output_.append(reader_->piece.data(), size);
  if (output_.size() > kOutputKept) {
    output_.erase(0, output_.size() - kOutputKept);
  }
}

bool QemuProcess::wait_for_end(std::chrono::steady_clock::time_point deadline) {
  reader_->context.restart();
  while (reader_->pipe.is_open() && reader_->context.run_one_until(deadline) != 0) {
  }
  while (!look_whether_ended()) {
    if (std::chrono::steady_clock::now() >= deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// Leaves it a zombie until end(): so long its number can mean no other process, and its group can be ended safely.
bool QemuProcess::look_whether_ended() {
  siginfo_t info{};
  if (::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_) {
    ended_ = true;
    signalled_ = info.si_code != CLD_EXITED;
    status_ = info.si_status;
  }
  return ended_;
}

std::string QemuProcess::describe_end() const {
  return signalled_ ? fmt::format("was ended by signal {} ({})", status_, ::strsignal(status_))
                    : fmt::format("exited with status {}", status_);
}

bool QemuProcess::succeeded() const { return ended_ && !signalled_ && status_ == 0; }

std::string QemuProcess::obituary(const std::string& complaint) {
  // Its death is seen first on a socket; the rest follows at once, if it has died.
  const bool ended = wait_for_end(std::chrono::steady_clock::now() + kGrace);
  const std::size_t text_end = output_.find_last_not_of(" \n");
  const std::string text = text_end == std::string::npos ? "" : output_.substr(0, text_end + 1);
  return fmt::format("{} {}; {}", name_, ended ? describe_end() + " (" + complaint + ")" : complaint,
                     text.empty() ? "it wrote no message" : "it wrote:\n" + text);
}

void QemuProcess::end() {
  // The whole group: a wrapper script may have started QEMU as a child of its own.
  ::kill(-pid_, SIGKILL);
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

}  // namespace ringside::targets
