// A UNIX socket with a name, where a server waits for clients.
#pragma once

#include <string>

#include "testbench/targets/descriptor.h"

namespace ringside::serve {

class Listener {
 public:
  // A socket that a server left behind which is no more is replaced. Throws targets::InputError when the path is no
  // place for a socket, or somebody serves there.
  explicit Listener(std::string path);
  // The name goes too.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  [[nodiscard]] int fd() const { return socket_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  targets::Descriptor socket_;
};

}  // namespace ringside::serve
