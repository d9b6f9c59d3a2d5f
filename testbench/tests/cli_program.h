// The built program, as a shell would run it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace ringside::tests {

struct ProgramResult {
  int status = -1;  // what the shell would show: 128 + N for a signal
  std::string out;
  std::string err;
};

// Variables added to the environment of the program.
using Environment = std::vector<std::pair<std::string, std::string>>;

// Started, not waited for.
class Program {
 public:
  explicit Program(const std::vector<std::string>& arguments, const Environment& environment = {},
                   const char* program = RINGSIDE_PROGRAM);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void kill(int signal) const;
  [[nodiscard]] ProgramResult wait();

 private:
  pid_t pid_ = -1;
  int out_ = -1;  // files without a name: a pipe could fill up
  int err_ = -1;
};

[[nodiscard]] ProgramResult run_program(const std::vector<std::string>& arguments, const Environment& environment = {});

// All processes below `ancestor`, from /proc.
[[nodiscard]] std::vector<pid_t> descendants_of(pid_t ancestor);
[[nodiscard]] std::string command_of(pid_t pid);
// True when none of them is left after `patience`.
[[nodiscard]] bool all_gone(const std::vector<pid_t>& pids, std::chrono::milliseconds patience);

// A directory that is removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  // Makes a file with these contents; returns its path.
  std::string make(const std::string& name, const std::string& contents) const;

 private:
  std::string path_;
};

[[nodiscard]] std::string contents_of(const std::string& path);

}  // namespace ringside::tests
