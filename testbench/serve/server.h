// Clients of one served disk: one at a time, each with the function at power-on state and the disk as the one before
// left it. Who comes while another is served is told so.
#pragma once

#include "testbench/serve/listener.h"
#include "testbench/serve/notice.h"
#include "testbench/serve/served_disk.h"
#include "testbench/vfio_user/device.h"

namespace ringside::serve {

// What the server has done for it.
class Attendant {
 public:
  // The function is at power-on state when this returns.
  virtual void client_came() = 0;
  // What the client is to talk to: the function, or what stands in front of it. From client_came() to client_left().
  [[nodiscard]] virtual vfio_user::Device& device() = 0;
  // The function has done all that the messages so far set off, or as much as is done at once.
  virtual void settled() = 0;
  virtual void client_left() = 0;

 protected:
  ~Attendant() = default;
};

struct ServerOptions {
  bool once = false;  // until the first client has left
};

class Server {
 public:
  // All outlive it.
  Server(Listener& listener, ServedDisk& disk, Attendant& attendant, Notice notice);

  // True when it ended by itself, false when SIGINT or SIGTERM ended it.
  [[nodiscard]] bool run(const ServerOptions& options);

 private:
  Listener& listener_;
  ServedDisk& disk_;
  Attendant& attendant_;
  Notice notice_;
};

}  // namespace ringside::serve
