#include "testbench/serve/listener.h"

#include <fmt/core.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "testbench/targets/target.h"

namespace ringside::serve {
namespace {

constexpr int kWaiting = 8;  // clients that have not been looked at

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw targets::InputError(fmt::format("socket {}: {}", path, why));
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    refuse(path, fmt::format("expected a path of 1 to {} bytes", sizeof address.sun_path - 1));
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

targets::Descriptor make_socket() {
  targets::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.valid()) {
    throw targets::LackingError(fmt::format("no socket: {}", std::strerror(errno)));
  }
  return socket;
}

// A name that nobody listens at. Anything else that has this name is left alone.
bool stale(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) {
    refuse(path, "there is something of that name; expected nothing, or a socket that nobody uses");
  }
  const targets::Descriptor probe = make_socket();
  return ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
         errno == ECONNREFUSED;
}

bool bound(int socket, const sockaddr_un& address) {
  return ::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

}  // namespace

Listener::Listener(std::string path) : path_(std::move(path)), socket_(make_socket()) {
  const sockaddr_un address = address_of(path_);
  bool ready = bound(socket_.get(), address);
  if (!ready && errno == EADDRINUSE) {
    if (!stale(path_, address)) {
      refuse(path_, "somebody serves there already");
    }
    ::unlink(path_.c_str());
    ready = bound(socket_.get(), address);
  }
  if (!ready || ::listen(socket_.get(), kWaiting) != 0) {
    refuse(path_, std::strerror(errno));
  }
}

Listener::~Listener() { ::unlink(path_.c_str()); }

}  // namespace ringside::serve
