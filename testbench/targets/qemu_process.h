// A child process that cannot outlive the bench: started with nothing but the descriptors it is given, its output
// kept for error messages, always ended and always waited for.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace ringside::targets {

class QemuProcess {
 public:
  // `inherited` keep their numbers in the child; its standard output and error go to one pipe that `context` reads
  // while it runs. Throws std::system_error when `binary` cannot be executed.
  //
  // The kernel ends the child when the calling *thread* ends: start and use a process in one thread.
  QemuProcess(boost::asio::io_context& context, const std::string& binary, const std::vector<std::string>& arguments,
              std::span<const int> inherited);
  ~QemuProcess();
  QemuProcess(const QemuProcess&) = delete;
  QemuProcess& operator=(const QemuProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }

  // Waits until it has ended and closed its output, or the deadline; true when it has ended.
  bool wait_for_end(std::chrono::steady_clock::time_point deadline);
  // The end of a process that has ended: "exited with status 1", "was ended by signal 9 (Killed)".
  [[nodiscard]] std::string describe_end() const;
  [[nodiscard]] bool succeeded() const;
  // What it wrote, or the last 8 KiB of that.
  [[nodiscard]] const std::string& output() const { return output_; }
  // For error messages, why it can be no longer used: `complaint`, or how it ended, and what it wrote last.
  [[nodiscard]] std::string obituary(const std::string& complaint);

 private:
  // The library's headers are slow to compile: only the implementation has them.
  struct Reader;

  void read_output();
  void take_output(std::size_t size);
  bool look_whether_ended();
  void end();

  std::unique_ptr<Reader> reader_;
  std::string name_;
  std::string output_;
  pid_t pid_ = -1;
  bool ended_ = false;
  bool signalled_ = false;
  int status_ = 0;  // exit status or signal
};

}  // namespace ringside::targets
