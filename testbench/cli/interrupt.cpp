#include "testbench/cli/interrupt.h"

namespace ringside::cli {
namespace {

volatile std::sig_atomic_t seen = 0;

void note(int) { seen = 1; }

}  // namespace

HeldInterrupts::HeldInterrupts() {
  sigset_t held;
  sigemptyset(&held);
  sigaddset(&held, SIGINT);
  sigaddset(&held, SIGTERM);
  sigprocmask(SIG_BLOCK, &held, &mask_before_);

  struct sigaction action {};
  action.sa_handler = note;
  sigaction(SIGINT, &action, &interrupt_before_);
  sigaction(SIGTERM, &action, &terminate_before_);
}

HeldInterrupts::~HeldInterrupts() {
  sigaction(SIGINT, &interrupt_before_, nullptr);
  sigaction(SIGTERM, &terminate_before_, nullptr);
  sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
}

void HeldInterrupts::check() const {
  if (seen != 0) {
    throw Interrupted();
  }
}

void HeldInterrupts::release_in_worker() const {
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGINT, &ignore, nullptr);
  sigaction(SIGTERM, &terminate_before_, nullptr);
  sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
}

}  // namespace ringside::cli
