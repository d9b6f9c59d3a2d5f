// The bench's end of the bell: bytes that the guest writes to a port. What they say is in the mailbox too, so that a
// byte only means: look now.
#pragma once

#include <chrono>

#include "testbench/targets/descriptor.h"

namespace ringside::targets {

class GuestBell {
 public:
  explicit GuestBell(Descriptor socket) : socket_(std::move(socket)) {}

  // Sleeps until the guest rings, or for `limit`. False when there is nobody any more at the other end.
  [[nodiscard]] bool wait(std::chrono::milliseconds limit);

 private:
  Descriptor socket_;
};

}  // namespace ringside::targets
