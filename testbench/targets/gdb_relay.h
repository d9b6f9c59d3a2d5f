// Between a gdb and the gdbstub of a machine: passes on what they say to each other, and says goodbye in the machine's
// place, which could not tell the debugger how its program ended.
#pragma once

#include <optional>
#include <string>
#include <thread>

#include "testbench/targets/descriptor.h"
#include "testbench/targets/gdb_socket.h"

namespace ringside::targets {

class GdbRelay {
 public:
  // `stub`: a connection to the gdbstub. Throws std::system_error.
  explicit GdbRelay(Descriptor stub);

  // Where one gdb may come to, once.
  [[nodiscard]] const std::string& path() const { return path_; }
  // The program of the machine has exited with this status; the machine runs, as far as gdb knows.
  void say_exited(int status);

 private:
  void work(const std::stop_token& stop);
  [[nodiscard]] Descriptor wait_for_gdb(const std::stop_token& stop);

  Descriptor stub_;
  std::optional<GdbSocket> socket_;  // until gdb has come
  std::string path_;
  std::optional<int> exited_;  // set before the thread is told to stop
  std::jthread thread_;        // last: it uses the others
};

}  // namespace ringside::targets
