// The CPU of the model: a TLM initiator whose program is whatever the bench runs on it, in one SC_THREAD with a stack
// of its own.
//
// Time: the CPU runs ahead of the kernel by a local offset, relative to where it last synchronised. It owes nobody a
// synchronisation before it looks at or touches a device, because the device completes what is due by then when it is
// asked (VirtioBlkPci::catch_up). Only a CPU that lets time pass gives control to the kernel.
#pragma once

#include <tlm_utils/simple_initiator_socket.h>

#include <cstdint>
#include <functional>
#include <systemc>

#include "model/board.h"

namespace ringside::targets {

class ModelCpu final : public sc_core::sc_module, public model::InterruptSink {
 public:
  tlm_utils::simple_initiator_socket<ModelCpu> io;
  tlm_utils::simple_initiator_socket<ModelCpu> memory;

  ModelCpu(const sc_core::sc_module_name& name, model::Board& board);

  // Runs the program to its end. Called from outside the simulation; the program must not throw.
  void run(const std::function<void()>& program);
  void power_on();

  // --- From inside the program.
  [[nodiscard]] model::Picoseconds now() const { return kernel_ + ahead_; }
  [[nodiscard]] std::uint32_t read(bool io_space, std::uint64_t address, unsigned size);
  void write(bool io_space, std::uint64_t address, unsigned size, std::uint32_t value);
  void sleep_until(model::Picoseconds time);
  // Until an interrupt is delivered or `deadline`.
  void wait_for_interrupt(model::Picoseconds deadline);

 private:
  void thread();
  void timer_fired();
  void arm_timer(model::Picoseconds deadline);
  void interrupt_delivered() override;
  void access(bool io_space, tlm::tlm_command command, std::uint64_t address, unsigned size);
  void caught_up_with(model::Picoseconds before);
  void look_at_kernel() { kernel_ = board_.clock.now(); }

  model::Board& board_;
  model::Picoseconds kernel_ = 0;  // its time, which stands still while the program does not wait
  model::Picoseconds ahead_ = 0;
  tlm::tlm_generic_payload transaction_;
  std::uint32_t data_ = 0;

  sc_core::sc_event start_;
  const std::function<void()>* program_ = nullptr;

  // One timer for all deadlines. Deadlines mostly move on and are rarely reached, so it is left where it is and only
  // looks, when it fires, whether somebody waits for a later time.
  sc_core::sc_event wake_;
  sc_core::sc_event timer_;
  bool waiting_ = false;
  model::Picoseconds deadline_ = model::kNever;
  model::Picoseconds timer_at_ = model::kNever;
};

}  // namespace ringside::targets
