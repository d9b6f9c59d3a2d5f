// The bench's end of QEMU's qtest protocol: register accesses out, values and interrupt lines in.
//
// A write is posted, as on a PCI bus: it is sent at once, and its acknowledgement is read later, at the latest with the
// next read. So order is kept, nothing waits in a buffer here, and a write that QEMU refuses ends the run a moment
// later.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "testbench/targets/qemu_line_channel.h"
#include "testbench/targets/qemu_process.h"
#include "testbench/targets/qtest_recording.h"
#include "testbench/targets/run_clock.h"

namespace ringside::targets {

// Told of the interrupt controller's inputs as they change.
class LineListener {
 public:
  virtual void line_changed(unsigned line, bool high) = 0;

 protected:
  ~LineListener() = default;
};

class Qtest {
 public:
  Qtest(QemuProcess& process, LineChannel channel, const RunClock& clock, LineListener& listener);

  // All of these throw RunAborted, with what QEMU said last, when it dies, stops answering or refuses.
  [[nodiscard]] std::uint64_t read(std::string_view command, std::uint64_t address);
  void write(std::string_view command, std::uint64_t address, std::uint64_t value);
  void intercept_lines();
  // From now on, until the end: writes are then waited for, one by one.
  void record(QtestRecording& recording) { recording_ = &recording; }
  // Takes in what has come, without waiting; notices that QEMU has died.
  void poll();

 private:
  [[noreturn]] void fail(const std::string& what);
  void send(std::string command);
  void collect_answers(std::size_t left_open);
  void take(std::string_view line);
  void take_line_change(std::string_view line);
  void take_answer(std::string_view line);

  QemuProcess& process_;
  LineChannel channel_;
  const RunClock& clock_;
  LineListener& listener_;
  std::deque<std::string> open_;  // commands sent and not answered, oldest first
  std::uint64_t value_ = 0;       // of the last answer
  QtestRecording* recording_ = nullptr;
};

}  // namespace ringside::targets
