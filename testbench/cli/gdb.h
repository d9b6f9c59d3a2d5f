// Starting gdb.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace ringside::cli {

// This process becomes gdb, by its command line. Throws targets::LackingError when there is none.
[[noreturn]] void become_gdb(std::vector<std::string> words);

// A gdb beside this process, on the same terminal; it cannot outlive this process. Ctrl-C is gdb's while it lives.
class Gdb {
 public:
  // Throws targets::LackingError when there is none.
  explicit Gdb(std::vector<std::string> words);
  ~Gdb();
  Gdb(const Gdb&) = delete;
  Gdb& operator=(const Gdb&) = delete;

  // Without waiting.
  [[nodiscard]] bool ended();
  // Waits for its end; true when it ended with status 0.
  [[nodiscard]] bool succeeded();

 private:
  void take_status(bool wait);

  pid_t pid_ = -1;
  bool ended_ = false;
  int status_ = 0;
};

}  // namespace ringside::cli
