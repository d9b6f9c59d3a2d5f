#include "testbench/cli/workers.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <system_error>
#include <utility>
#include <vector>

#include "testbench/cli/interrupt.h"
#include "testbench/targets/target.h"

namespace ringside::cli {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kTick{200};

// The first byte of what a worker sends.
enum class Answer : char { result = 'R', bad_input = 'I', lacking = 'L', failed = 'F' };

void send_all(int fd, const std::string& text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t count = ::write(fd, text.data() + sent, text.size() - sent);
    if (count < 0 && errno != EINTR) {
      return;  // the parent is gone, and so are we soon
    }
    sent += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
}

std::string tagged(Answer answer, const std::string& text) { return static_cast<char>(answer) + text; }

std::string answer_of(const Job& job, std::size_t index) {
  try {
    return tagged(Answer::result, job(index));
  } catch (const targets::InputError& problem) {
    return tagged(Answer::bad_input, problem.what());
  } catch (const targets::LackingError& problem) {
    return tagged(Answer::lacking, problem.what());
  } catch (const std::exception& problem) {
    return tagged(Answer::failed, problem.what());
  }
}

// In the child; does not return. Leaves without destructors: SystemC and the parent's objects are not to be unwound.
[[noreturn]] void work(const Job& job, std::size_t index, int out, pid_t parent, const HeldInterrupts& interrupts) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) {
    std::_Exit(1);  // it died before prctl
  }
  interrupts.release_in_worker();
  ::dup2(STDERR_FILENO, STDOUT_FILENO);  // stdout is the parent's document; libraries chat on it
  send_all(out, answer_of(job, index));
  std::fflush(nullptr);
  std::_Exit(0);
}

class Worker {
 public:
  Worker(const Job& job, std::size_t index, std::chrono::milliseconds limit, const HeldInterrupts& interrupts)
      : index_(index), start_(Clock::now()), deadline_(start_ + limit) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      throw std::system_error(errno, std::generic_category(), "pipe");
    }
    std::fflush(nullptr);  // or the child would write it a second time
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[0]);
      work(job, index, ends[1], parent, interrupts);
    }
    const int error = errno;
    ::close(ends[1]);
    fd_ = ends[0];
    if (pid_ < 0) {
      ::close(fd_);
      throw std::system_error(error, std::generic_category(), "fork");
    }
  }
  Worker(Worker&& other) noexcept
      : index_(other.index_),
        start_(other.start_),
        deadline_(other.deadline_),
        pid_(std::exchange(other.pid_, -1)),
        fd_(std::exchange(other.fd_, -1)),
        timed_out_(other.timed_out_),
        text_(std::move(other.text_)) {}
  Worker& operator=(Worker&& other) noexcept {
    std::swap(index_, other.index_);
    std::swap(start_, other.start_);
    std::swap(deadline_, other.deadline_);
    std::swap(pid_, other.pid_);
    std::swap(fd_, other.fd_);
    std::swap(timed_out_, other.timed_out_);
    std::swap(text_, other.text_);
    return *this;
  }
  ~Worker() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      (void)reap();
    }
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }

  [[nodiscard]] std::size_t index() const { return index_; }
  [[nodiscard]] int fd() const { return fd_; }

  // Takes what there is; false at the end of it.
  [[nodiscard]] bool receive() {
    char buffer[4096];
    const ssize_t count = ::read(fd_, buffer, sizeof(buffer));
    if (count > 0) {
      text_.append(buffer, static_cast<std::size_t>(count));
    }
    return count > 0 || (count < 0 && errno == EINTR);
  }

  void kill_if_late() {
    if (!timed_out_ && Clock::now() >= deadline_) {
      timed_out_ = true;
      ::kill(pid_, SIGKILL);
    }
  }

  // After the end of its answer.
  [[nodiscard]] JobResult finish() {
    const int status = reap();
    JobResult result;
    result.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    result.problem = problem(status);
    if (result.problem.empty()) {
      take_answer(result);
    }
    return result;
  }

 private:
  [[nodiscard]] int reap() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

  [[nodiscard]] std::string problem(int status) const {
    if (timed_out_) {
      const auto limit = std::chrono::duration_cast<std::chrono::seconds>(deadline_ - start_);
      return fmt::format("ended by the watchdog after {} s", limit.count());
    }
    if (WIFSIGNALED(status)) {
      return fmt::format("the worker was ended by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
    }
    if (WEXITSTATUS(status) != 0 || text_.empty()) {
      return fmt::format("the worker ended with status {} and no answer", WEXITSTATUS(status));
    }
    return {};
  }

  void take_answer(JobResult& result) {
    const std::string text = text_.substr(1);
    switch (static_cast<Answer>(text_.front())) {
      case Answer::result:
        result.answer = text;
        break;
      case Answer::bad_input:
        throw targets::InputError(text);
      case Answer::lacking:
        throw targets::LackingError(text);
      case Answer::failed:
        result.problem = text;
        break;
    }
  }

  std::size_t index_;
  Clock::time_point start_;
  Clock::time_point deadline_;
  pid_t pid_ = -1;
  int fd_ = -1;
  bool timed_out_ = false;
  std::string text_;
};

// Returns the workers that have something to say, after kTick at the latest.
std::vector<std::size_t> wait_for(const std::vector<Worker>& workers, const HeldInterrupts& interrupts) {
  std::vector<pollfd> fds;
  fds.reserve(workers.size());
  for (const Worker& worker : workers) {
    fds.push_back({worker.fd(), POLLIN, 0});
  }
  const timespec timeout{0, std::chrono::nanoseconds(kTick).count()};
  const int ready = ::ppoll(fds.data(), fds.size(), &timeout, &interrupts.wait_mask());
  interrupts.check();
  std::vector<std::size_t> result;
  for (std::size_t i = 0; ready > 0 && i < fds.size(); ++i) {
    if (fds[i].revents != 0) {
      result.push_back(i);
    }
  }
  return result;
}

}  // namespace

void run_in_workers(std::size_t count, const WorkerSettings& settings, const Job& job, const Done& done,
                    const std::function<void()>& tick) {
  const HeldInterrupts interrupts;
  std::vector<Worker> workers;  // their destructors end those that still run when an exception leaves here
  std::size_t next = 0;
  while (next < count || !workers.empty()) {
    while (next < count && workers.size() < std::max(1u, settings.parallel)) {
      workers.emplace_back(job, next, settings.limit, interrupts);
      ++next;
    }
    std::vector<std::size_t> finished;
    for (const std::size_t ready : wait_for(workers, interrupts)) {
      if (!workers[ready].receive()) {
        finished.push_back(ready);
      }
    }
    for (auto at = finished.rbegin(); at != finished.rend(); ++at) {
      Worker worker = std::move(workers[*at]);
      workers.erase(workers.begin() + static_cast<std::ptrdiff_t>(*at));
      done(worker.index(), worker.finish());
    }
    std::ranges::for_each(workers, &Worker::kill_if_late);
    if (tick) {
      tick();
    }
  }
}

}  // namespace ringside::cli
