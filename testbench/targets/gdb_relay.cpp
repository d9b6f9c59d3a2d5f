#include "testbench/targets/gdb_relay.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>

namespace ringside::targets {
namespace {

constexpr int kTickMilliseconds = 20;        // at which a stop is noticed
constexpr int kPatienceMilliseconds = 2000;  // for gdb to say goodbye

bool send_all(const Descriptor& to, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(to.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) {
      return false;
    }
    text.remove_prefix(sent > 0 ? static_cast<std::size_t>(sent) : 0);
  }
  return true;
}

// What has come; empty at the end of the connection.
std::string_view receive(const Descriptor& from, std::span<char> buffer) {
  ssize_t size;
  do {
    size = ::recv(from.get(), buffer.data(), buffer.size(), 0);
  } while (size < 0 && errno == EINTR);
  return {buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

bool pass_on(const Descriptor& from, const Descriptor& to) {
  std::array<char, 4096> buffer;
  const std::string_view text = receive(from, buffer);
  return !text.empty() && send_all(to, text);
}

// It acknowledges what it was told last, and that must not fail.
void wait_until_closed(const Descriptor& gdb) {
  std::array<char, 64> buffer;
  pollfd end{gdb.get(), POLLIN, 0};
  while (::poll(&end, 1, kPatienceMilliseconds) > 0 && !receive(gdb, buffer).empty()) {
  }
}

// A gdb that leaves detaches, after which the machine would run on with nobody to look: it stands still instead until
// the run has been ended. gdb waits for each answer, so a request is in one piece; and in no other is there such a
// text.
bool is_detach(std::string_view text) {
  return text.find("$D#") != std::string_view::npos || text.find("$D;") != std::string_view::npos;
}

bool pass_request_on(const Descriptor& gdb, const Descriptor& stub) {
  std::array<char, 4096> buffer;
  const std::string_view text = receive(gdb, buffer);
  if (is_detach(text)) {
    (void)send_all(gdb, "+$OK#9a");
    wait_until_closed(gdb);
    return false;
  }
  return !text.empty() && send_all(stub, text);
}

// A packet of gdb's remote protocol: the sum of its bytes follows it.
std::string packet(const std::string& text) {
  const unsigned sum = std::accumulate(text.begin(), text.end(), 0u);
  return fmt::format("${}#{:02x}", text, sum & 0xff);
}

}  // namespace

GdbRelay::GdbRelay(Descriptor stub)
    : stub_(std::move(stub)),
      socket_(std::in_place),
      path_(socket_->path()),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

void GdbRelay::say_exited(int status) {
  exited_ = status;
  thread_.request_stop();
  thread_.join();
}

void GdbRelay::work(const std::stop_token& stop) {
  const Descriptor gdb = wait_for_gdb(stop);
  socket_.reset();
  while (gdb.valid() && !stop.stop_requested()) {
    std::array<pollfd, 2> ends{pollfd{gdb.get(), POLLIN, 0}, pollfd{stub_.get(), POLLIN, 0}};
    if (::poll(ends.data(), ends.size(), kTickMilliseconds) < 0 && errno != EINTR) {
      return;
    }
    if ((ends[0].revents != 0 && !pass_request_on(gdb, stub_)) || (ends[1].revents != 0 && !pass_on(stub_, gdb))) {
      return;
    }
  }
  if (gdb.valid() && exited_) {
    (void)send_all(gdb, packet(fmt::format("W{:02x}", *exited_)));
    wait_until_closed(gdb);
  }
}

// None when the relay is stopped before one comes.
Descriptor GdbRelay::wait_for_gdb(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd end{socket_->fd(), POLLIN, 0};
    if (::poll(&end, 1, kTickMilliseconds) > 0) {
      return Descriptor(::accept4(socket_->fd(), nullptr, nullptr, SOCK_CLOEXEC));
    }
  }
  return Descriptor();
}

}  // namespace ringside::targets
