// Counts interrupts: message-signalled ones by vector (a write to the MSI window raises the vector it carries), and
// level-triggered lines. A line is masked at delivery and armed again by acknowledge(), as an interrupt handler does.
#pragma once

#include <tlm_utils/simple_target_socket.h>

#include <array>
#include <cstdint>
#include <systemc>
#include <tlm>

namespace ringside::model {

// Told of every interrupt that is delivered, while the device delivers it.
class InterruptSink {
 public:
  virtual void interrupt_delivered() = 0;

 protected:
  ~InterruptSink() = default;
};

class InterruptController final : public sc_core::sc_module {
 public:
  static constexpr std::uint64_t kMsiBase = 0xfee0'0000;
  static constexpr std::uint64_t kMsiBytes = 0x10'0000;
  static constexpr unsigned kMsiVectors = 72;
  static constexpr unsigned kLines = 24;

  tlm_utils::simple_target_socket<InterruptController> msi;  // address = offset in the window

  explicit InterruptController(const sc_core::sc_module_name& name);

  void power_on();
  void set_sink(InterruptSink* sink) { sink_ = sink; }

  [[nodiscard]] std::uint64_t msi_count(unsigned vector) const { return vector < kMsiVectors ? msi_[vector] : 0; }
  [[nodiscard]] std::uint64_t line_count(unsigned line) const { return line < kLines ? lines_[line].count : 0; }
  void acknowledge(unsigned line);

  // A level, not an event: setting what is set changes nothing.
  void set_line(unsigned line, bool high);

 private:
  struct Line {
    std::uint64_t count = 0;
    bool high = false;
    bool masked = false;
  };

  void b_transport(tlm::tlm_generic_payload& transaction, sc_core::sc_time& delay);
  void deliver(Line& line);
  void tell_sink();

  std::array<std::uint64_t, kMsiVectors> msi_{};
  std::array<Line, kLines> lines_{};
  InterruptSink* sink_ = nullptr;
};

}  // namespace ringside::model
