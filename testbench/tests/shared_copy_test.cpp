// Words that a driver writes while the device reads them, and the other way round, are never seen by halves.
#include "model/shared_copy.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <csignal>
#include <cstdint>
#include <cstring>
#include <functional>

namespace ringside::tests {
namespace {

// A page that counts the instructions that touch it: each faults, runs alone with the page open, and closes it again.
class CountingPage {
 public:
  CountingPage()
      : memory_(static_cast<std::uint8_t*>(
            ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    page = memory_;
  }
  CountingPage(const CountingPage&) = delete;
  CountingPage& operator=(const CountingPage&) = delete;
  ~CountingPage() { ::munmap(memory_, kBytes); }
  [[nodiscard]] std::uint8_t* memory() const { return memory_; }

  [[nodiscard]] unsigned touched_by(const std::function<void()>& access) {
    struct sigaction on_fault = {};
    struct sigaction on_step = {};
    on_fault.sa_sigaction = open;
    on_step.sa_sigaction = close;
    on_fault.sa_flags = on_step.sa_flags = SA_SIGINFO;
    struct sigaction fault_before;
    struct sigaction step_before;
    ::sigaction(SIGSEGV, &on_fault, &fault_before);
    ::sigaction(SIGTRAP, &on_step, &step_before);
    touches = 0;
    ::mprotect(memory_, kBytes, PROT_NONE);
    access();
    ::mprotect(memory_, kBytes, PROT_READ | PROT_WRITE);
    ::sigaction(SIGSEGV, &fault_before, nullptr);
    ::sigaction(SIGTRAP, &step_before, nullptr);
    return touches;
  }

 private:
  static constexpr std::size_t kBytes = 4096;
  static constexpr greg_t kTrapFlag = 0x100;

  static void open(int, siginfo_t*, void* context) {
    touches = touches + 1;
    ::mprotect(page, kBytes, PROT_READ | PROT_WRITE);
    static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] |= kTrapFlag;
  }
  static void close(int, siginfo_t*, void* context) {
    ::mprotect(page, kBytes, PROT_NONE);
    static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] &= ~kTrapFlag;
  }

  static inline std::uint8_t* page = nullptr;  // handlers have no other way to it
  static inline volatile unsigned touches = 0;
  std::uint8_t* memory_;
};

TEST(SharedCopy, OneAccessForAWord) {
  CountingPage page;
  for (const std::uint64_t size : {2u, 4u, 8u}) {
    volatile std::uint64_t bytes = size;  // not known to the compiler, as it is not in a device
    std::uint8_t data[8] = {};
    EXPECT_EQ(page.touched_by([&] { model::copy_from_shared(data, page.memory() + 8, bytes); }), 1u) << size;
    EXPECT_EQ(page.touched_by([&] { model::copy_to_shared(page.memory() + 8, data, bytes); }), 1u) << size;
  }
}

TEST(SharedCopy, CopiesWhatIsNoWordToo) {
  std::uint8_t from[24];
  std::uint8_t to[24] = {};
  for (std::uint8_t i = 0; i < 24; ++i) {
    from[i] = i;
  }
  for (std::uint64_t size = 0; size <= 16; ++size) {
    for (std::uint64_t start = 0; start < 8; ++start) {
      std::memset(to, 0xff, sizeof to);
      model::copy_to_shared(to + start, from + start, size);
      EXPECT_EQ(std::memcmp(to + start, from + start, size), 0);
      std::memset(to, 0xff, sizeof to);
      model::copy_from_shared(to + start, from + start, size);
      EXPECT_EQ(std::memcmp(to + start, from + start, size), 0);
      EXPECT_EQ(to[start + size], 0xff);
    }
  }
}

}  // namespace
}  // namespace ringside::tests
