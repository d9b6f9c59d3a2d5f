#include "testbench/targets/gdb_socket.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace ringside::targets {
namespace {

[[noreturn]] void fail(int error) { throw std::system_error(error, std::generic_category(), "a socket for gdb"); }

std::string private_directory() {
  std::string path = (std::filesystem::temp_directory_path() / "ringside-gdb-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) {
    fail(errno);
  }
  return path;
}

}  // namespace

GdbSocket::GdbSocket()
    : directory_(private_directory()),
      path_(directory_ + "/socket"),
      socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path_.copy(address.sun_path, sizeof(address.sun_path) - 1);
  const int error = path_.size() >= sizeof(address.sun_path) ? ENAMETOOLONG
                    : ::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
                            ::listen(socket_.get(), 1) != 0
                        ? errno
                        : 0;
  if (error != 0) {
    ::rmdir(directory_.c_str());
    fail(error);
  }
}

GdbSocket::~GdbSocket() {
  ::unlink(path_.c_str());
  ::rmdir(directory_.c_str());
}

}  // namespace ringside::targets
