// Messages over a UNIX socket, with the descriptors that go beside them (SCM_RIGHTS).
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <stdexcept>

#include "testbench/vfio_user/message.h"

namespace ringside::vfio_user {

using TimePoint = std::chrono::steady_clock::time_point;

// The connection is of no use any more; says in a few words why.
struct StreamError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Takes in what has come. True when the reader has a message complete, false when there is no more for now. `socket`
// does not block. Throws StreamError when the other side has closed, or sends what is no message.
[[nodiscard]] bool receive(int socket, MessageReader& reader);
// All of it. Throws StreamError when the other side has closed, or takes nothing until the deadline.
void send(int socket, Header header, std::span<const std::uint8_t> payload, std::span<const int> descriptors,
          TimePoint deadline);
// Until something comes. False at the deadline.
[[nodiscard]] bool wait_readable(int socket, TimePoint deadline);

}  // namespace ringside::vfio_user
