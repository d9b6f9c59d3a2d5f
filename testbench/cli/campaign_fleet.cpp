#include "testbench/cli/campaign_fleet.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <list>
#include <new>
#include <optional>
#include <system_error>

#include "testbench/cli/interrupt.h"
#include "testbench/targets/compute_limit.h"

namespace ringside::cli {
namespace {

constexpr unsigned kMostWorkers = 256;
constexpr std::uint64_t kNoPlace = ~std::uint64_t{0};
// Workers are not waited for one line at a time: to wake up costs as much as a good part of a run.
constexpr std::chrono::milliseconds kTick{20};
constexpr int kPipeBytes = 1 << 20;

// What a worker tells in shared memory.
struct Slot {
  std::atomic<std::uint64_t> place{kNoPlace};  // in the list of seeds; written before the run begins
  std::atomic<std::uint64_t> runs{0};          // begun; what stands still is late
};
struct Board {
  std::atomic<std::uint64_t> next{0};  // place of the seed that nobody has taken
  Slot slots[kMostWorkers];
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "it works between processes");

class SharedBoard {
 public:
  SharedBoard() : memory_(::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) {
      throw std::system_error(errno, std::generic_category(), "memory shared with workers");
    }
    board_ = new (memory_) Board;
  }
  SharedBoard(const SharedBoard&) = delete;
  SharedBoard& operator=(const SharedBoard&) = delete;
  ~SharedBoard() { ::munmap(memory_, sizeof(Board)); }
  [[nodiscard]] Board& operator*() const { return *board_; }

 private:
  void* memory_;
  Board* board_ = nullptr;
};

void send_all(int fd, const std::string& text) {
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t count = ::write(fd, text.data() + sent, text.size() - sent);
    if (count < 0 && errno != EINTR) {
      std::_Exit(1);  // nobody listens any more
    }
    sent += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
}

// In the child; leaves without destructors: SystemC and the parent's objects are not to be unwound.
[[noreturn]] void work(const std::vector<std::uint64_t>& seeds, Board& board, Slot& slot, int out, const SeedJob& job) {
  for (;;) {
    const std::uint64_t place = board.next.fetch_add(1);
    if (place >= seeds.size()) {
      std::fflush(nullptr);
      std::_Exit(0);
    }
    slot.place = place;
    slot.runs.fetch_add(1);
    send_all(out, job(seeds[place]));
    slot.place = kNoPlace;
  }
}

class Worker {
 public:
  Worker(const std::vector<std::uint64_t>& seeds, Board& board, unsigned number, const SeedJob& job,
         const HeldInterrupts& interrupts)
      : slot_(board.slots[number]), number_(number) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      throw std::system_error(errno, std::generic_category(), "pipe");
    }
    (void)::fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes);  // a smaller one does, too
    std::fflush(nullptr);                              // or the child would write it a second time
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(ends[0]);
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) {
        std::_Exit(1);
      }
      interrupts.release_in_worker();
      ::dup2(STDERR_FILENO, STDOUT_FILENO);  // stdout is the parent's document
      work(seeds, board, slot_, ends[1], job);
    }
    const int error = errno;
    ::close(ends[1]);
    fd_ = ends[0];
    if (pid_ < 0) {
      ::close(fd_);
      throw std::system_error(error, std::generic_category(), "fork");
    }
    ::fcntl(fd_, F_SETFL, O_NONBLOCK);
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      reap();
    }
    ::close(fd_);
  }

  [[nodiscard]] unsigned number() const { return number_; }
  [[nodiscard]] int fd() const { return fd_; }

  // Adds whole lines to `lines`. False at the end of them all.
  [[nodiscard]] bool receive(std::string& lines) {
    char buffer[1 << 16];
    for (;;) {
      const ssize_t count = ::read(fd_, buffer, sizeof buffer);
      if (count <= 0) {
        const bool more = count < 0 && (errno == EAGAIN || errno == EINTR);
        const std::size_t whole = text_.rfind('\n') + 1;
        lines.append(text_, 0, whole);
        text_.erase(0, whole);
        return more;
      }
      text_.append(buffer, static_cast<std::size_t>(count));
    }
  }

  void end_if_late(std::chrono::milliseconds limit) {
    if (const std::uint64_t runs = slot_.runs; !limit_ || runs != runs_) {
      runs_ = runs;
      limit_.emplace(limit, pid_);
    }
    if (!late_ && slot_.place != kNoPlace && limit_->is_over()) {
      late_ = true;
      ::kill(pid_, SIGKILL);
    }
  }

  // After the last of its lines: the place of the seed that it died of, and how. Nothing when its work was done.
  struct Death {
    std::uint64_t place = kNoPlace;
    std::string problem;
    bool spun = false;
  };
  [[nodiscard]] Death bury() {
    const int status = reap();
    Death death{slot_.place.exchange(kNoPlace), {}, late_};
    if (late_) {
      death.problem = "ended by the watchdog";
    } else if (WIFSIGNALED(status)) {
      death.problem = fmt::format("ended by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
    } else {
      death.problem = fmt::format("ended with status {}", WEXITSTATUS(status));
    }
    return death;
  }

 private:
  int reap() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }

  Slot& slot_;
  unsigned number_;
  pid_t pid_ = -1;
  int fd_ = -1;
  std::string text_;
  std::uint64_t runs_ = 0;
  std::optional<targets::ComputeLimit> limit_;  // of the run that was going on at the last look
  bool late_ = false;
};

class Fleet {
 public:
  Fleet(const std::vector<std::uint64_t>& seeds, const FleetSettings& settings, const SeedJob& job,
        const FleetEvents& events)
      : seeds_(seeds), settings_(settings), job_(job), events_(events) {}

  void run() {
    const unsigned count = std::clamp(settings_.parallel, 1u, kMostWorkers);
    for (unsigned i = 0; i < count && i < seeds_.size(); ++i) {
      start(i);
    }
    while (!workers_.empty()) {
      const timespec tick{0, std::chrono::nanoseconds(kTick).count()};
      (void)::ppoll(nullptr, 0, &tick, &interrupts_.wait_mask());
      interrupts_.check();
      look();
      events_.tick();
    }
  }

 private:
  void start(unsigned number) { workers_.emplace_back(seeds_, *board_, number, job_, interrupts_); }

  void look() {
    std::string lines;
    std::vector<Worker::Death> deaths;
    std::vector<unsigned> free;
    for (auto worker = workers_.begin(); worker != workers_.end();) {
      worker->end_if_late(settings_.limit);
      if (worker->receive(lines)) {
        ++worker;
        continue;
      }
      deaths.push_back(worker->bury());
      free.push_back(worker->number());
      worker = workers_.erase(worker);
    }
    if (!lines.empty()) {
      events_.lines(lines);
    }
    for (const Worker::Death& death : deaths) {
      if (death.place != kNoPlace) {
        events_.lost(seeds_[death.place], death.problem, death.spun);
      }
    }
    for (const unsigned number : free) {
      if ((*board_).next < seeds_.size()) {
        start(number);
      }
    }
  }

  const std::vector<std::uint64_t>& seeds_;
  const FleetSettings& settings_;
  const SeedJob& job_;
  const FleetEvents& events_;
  SharedBoard board_;
  HeldInterrupts interrupts_;
  std::list<Worker> workers_;  // before its end, an exception ends them all
};

}  // namespace

void run_fleet(const std::vector<std::uint64_t>& seeds, const FleetSettings& settings, const SeedJob& job,
               const FleetEvents& events) {
  Fleet(seeds, settings, job, events).run();
}

}  // namespace ringside::cli
