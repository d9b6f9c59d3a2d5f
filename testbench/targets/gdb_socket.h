// Where a gdb finds who debugs with it: a socket in a directory that only this user may enter. Both are gone with
// this object; a connection that exists stays.
#pragma once

#include <string>

#include "testbench/targets/descriptor.h"

namespace ringside::targets {

class GdbSocket {
 public:
  // Throws std::system_error.
  GdbSocket();
  ~GdbSocket();
  GdbSocket(const GdbSocket&) = delete;
  GdbSocket& operator=(const GdbSocket&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  // It listens: one connection may be accepted.
  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  std::string directory_;
  std::string path_;
  Descriptor socket_;
};

}  // namespace ringside::targets
