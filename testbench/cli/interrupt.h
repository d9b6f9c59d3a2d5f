// Ctrl-C and SIGTERM while workers run: noticed between two steps, so that everything is cleaned up on the way out.
#pragma once

#include <csignal>
#include <stdexcept>

namespace ringside::cli {

// Ends a command from inside; becomes ExitStatus::interrupted.
struct Interrupted : std::runtime_error {
  Interrupted() : std::runtime_error("interrupted") {}
};

// While it lives, SIGINT and SIGTERM are held back, except inside a wait that is given wait_mask().
class HeldInterrupts {
 public:
  HeldInterrupts();
  ~HeldInterrupts();
  HeldInterrupts(const HeldInterrupts&) = delete;
  HeldInterrupts& operator=(const HeldInterrupts&) = delete;

  [[nodiscard]] const sigset_t& wait_mask() const { return mask_before_; }
  // Throws Interrupted when one has come.
  void check() const;
  // In a forked worker: as in a fresh process, but for SIGINT, which a terminal sends to the parent too: that one ends
  // its workers itself.
  void release_in_worker() const;

 private:
  sigset_t mask_before_{};
  struct sigaction interrupt_before_ {};
  struct sigaction terminate_before_ {};
};

}  // namespace ringside::cli
