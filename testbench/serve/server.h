// Clients of one served disk: one at a time, each with the function at power-on state and the disk as the one before
// left it. Who comes while another is served is told so.
#pragma once

#include <functional>

#include "testbench/serve/listener.h"
#include "testbench/serve/notice.h"
#include "testbench/serve/served_disk.h"

namespace ringside::serve {

struct ServerOptions {
  bool once = false;  // until the first client has left
};

class Server {
 public:
  // All outlive it. `power_on` puts the function at power-on state, for the next client.
  Server(Listener& listener, ServedDisk& disk, std::function<void()> power_on, Notice notice);

  // True when it ended by itself, false when SIGINT or SIGTERM ended it.
  [[nodiscard]] bool run(const ServerOptions& options);

 private:
  Listener& listener_;
  ServedDisk& disk_;
  std::function<void()> power_on_;
  Notice notice_;
};

}  // namespace ringside::serve
