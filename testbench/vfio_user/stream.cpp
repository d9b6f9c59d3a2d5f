#include "testbench/vfio_user/stream.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace ringside::vfio_user {
namespace {

// The kernel closes those for which there is no room.
constexpr std::size_t kDescriptorRoom = CMSG_SPACE((kMostDescriptors + 1) * sizeof(int));

constexpr char kClosed[] = "the other side has closed the connection";

[[noreturn]] void fail(const char* what) { throw StreamError(std::string(what) + ": " + std::strerror(errno)); }

// One that ends in the middle of something does not close it as others do.
[[noreturn]] void fail_broken() {
  if (errno == EPIPE || errno == ECONNRESET) {
    throw StreamError(kClosed);
  }
  fail("the connection broke");
}

bool again(ssize_t result) { return result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK); }

bool wait_for(int socket, short events, TimePoint deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd entry{socket, events, 0};
    const auto timeout = static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, 1'000'000));
    const int ready = ::poll(&entry, 1, timeout);
    if (ready > 0) {
      return true;
    }
    if (ready < 0 && errno != EINTR) {
      fail("poll");
    }
    if (ready == 0 && left.count() <= timeout) {
      return false;
    }
  }
}

void take_descriptors(msghdr& message, MessageReader& reader) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr; control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(control) + i * sizeof fd, sizeof fd);
      reader.took(Descriptor(fd));
    }
  }
}

// As many bytes as the reader has room for. -1 when there are none for now.
ssize_t receive_piece(int socket, MessageReader& reader) {
  const std::span<std::uint8_t> room = reader.room();
  iovec vector{room.data(), room.size()};
  alignas(cmsghdr) std::array<char, kDescriptorRoom> control;
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t size = 0;
  do {
    size = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (again(size)) {
    return -1;
  }
  if (size < 0) {
    fail_broken();
  }
  take_descriptors(message, reader);
  if (size == 0) {
    throw StreamError(kClosed);
  }
  return size;
}

}  // namespace

bool receive(int socket, MessageReader& reader) {
  while (!reader.complete()) {
    const ssize_t size = receive_piece(socket, reader);
    if (size < 0) {
      return false;
    }
    if (!reader.took(static_cast<std::size_t>(size))) {
      throw StreamError("the other side sends what is no vfio-user message");
    }
  }
  return true;
}

void send(int socket, Header header, std::span<const std::uint8_t> payload, std::span<const int> descriptors,
          TimePoint deadline) {
  header.size = static_cast<std::uint32_t>(sizeof header + payload.size());
  std::array<iovec, 2> vectors{iovec{&header, sizeof header},
                               iovec{const_cast<std::uint8_t*>(payload.data()), payload.size()}};
  alignas(cmsghdr) std::array<char, kDescriptorRoom> control{};
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = vectors.size();
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }
  for (std::size_t left = header.size; left != 0;) {
    const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (again(sent)) {
      if (!wait_for(socket, POLLOUT, deadline)) {
        throw StreamError("the other side does not take what is sent to it");
      }
      continue;
    }
    if (sent < 0 && errno == EINTR) {
      continue;
    }
    if (sent < 0) {
      fail_broken();
    }
    left -= static_cast<std::size_t>(sent);
    // The descriptors have gone with the first byte.
    message.msg_control = nullptr;
    message.msg_controllen = 0;
    std::size_t done = static_cast<std::size_t>(sent);
    for (iovec& vector : vectors) {
      const std::size_t step = std::min(done, vector.iov_len);
      vector.iov_base = static_cast<char*>(vector.iov_base) + step;
      vector.iov_len -= step;
      done -= step;
    }
  }
}

bool wait_readable(int socket, TimePoint deadline) { return wait_for(socket, POLLIN, deadline); }

}  // namespace ringside::vfio_user
