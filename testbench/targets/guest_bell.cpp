#include "testbench/targets/guest_bell.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace ringside::targets {

bool GuestBell::wait(std::chrono::milliseconds limit) {
  pollfd look{socket_.get(), POLLIN, 0};
  if (::poll(&look, 1, static_cast<int>(limit.count())) <= 0) {
    return true;
  }
  char rings[256];  // several at once are one
  const ssize_t size = ::read(socket_.get(), rings, sizeof rings);
  return size > 0 || (size < 0 && errno == EINTR);
}

}  // namespace ringside::targets
