#include "testbench/serve/lost_memory.h"

#include <sys/mman.h>

#include <atomic>
#include <csignal>

namespace ringside::serve {
namespace {

constexpr std::uintptr_t kPageBytes = 4096;

// Set before the handler is, and read in it.
std::uintptr_t watched_start = 0;
std::uint64_t watched_bytes = 0;
std::atomic<bool> lost{false};
static_assert(std::atomic<bool>::is_always_lock_free);

// mmap is not on POSIX's list of what a handler may call; on Linux it is a system call and nothing else.
void replace_page(int signal, siginfo_t* info, void*) {
  const auto address = reinterpret_cast<std::uintptr_t>(info->si_addr);
  if (address - watched_start < watched_bytes) {
    void* const page = reinterpret_cast<void*>(address & ~(kPageBytes - 1));
    if (::mmap(page, kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page) {
      lost = true;
      return;
    }
  }
  // Somebody else's: the access happens again, and ends the process as it would have.
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  ::sigaction(signal, &standard, nullptr);
}

}  // namespace

void watch_for_loss(std::uint8_t* start, std::uint64_t bytes) {
  watched_start = reinterpret_cast<std::uintptr_t>(start);
  watched_bytes = bytes;
  struct sigaction action {};
  action.sa_sigaction = replace_page;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGBUS, &action, nullptr);
}

bool memory_was_lost() { return lost; }

void forget_loss() { lost = false; }

}  // namespace ringside::serve
