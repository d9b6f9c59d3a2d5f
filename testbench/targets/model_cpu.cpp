#include "testbench/targets/model_cpu.h"

#include <algorithm>
#include <stdexcept>

#if defined(__SANITIZE_ADDRESS__)
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace ringside::targets {
namespace {

constexpr std::size_t kStackBytes = 4u << 20;  // for the driver, the scenario and the bench's own code on top of them

#if defined(__SANITIZE_ADDRESS__)
// The kernel tells AddressSanitizer of each change between its stacks, but cannot say where the one that it was started
// on lies; without that, the next exception thrown there is taken for a wild access.
void tell_sanitizer_of_this_stack() {
  pthread_attr_t attributes;
  void* lowest = nullptr;
  std::size_t bytes = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    pthread_attr_getstack(&attributes, &lowest, &bytes);
    pthread_attr_destroy(&attributes);
    void* frames = nullptr;
    __sanitizer_start_switch_fiber(&frames, lowest, bytes);
    __sanitizer_finish_switch_fiber(frames, nullptr, nullptr);
  }
}
#else
void tell_sanitizer_of_this_stack() {}
#endif

}  // namespace

ModelCpu::ModelCpu(const sc_core::sc_module_name& name, model::Board& board)
    : sc_module(name), io("io"), memory("memory"), board_(board) {
  io.bind(board.bridge.cpu_io);
  memory.bind(board.bridge.cpu_memory);
  board.interrupts.set_sink(this);

  sc_core::sc_spawn_options program;
  program.set_stack_size(static_cast<int>(kStackBytes));
  sc_core::sc_spawn([this] { thread(); }, "program", &program);

  sc_core::sc_spawn_options timer;
  timer.spawn_method();
  timer.dont_initialize();
  timer.set_sensitivity(&timer_);
  sc_core::sc_spawn([this] { timer_fired(); }, "timer", &timer);
}

void ModelCpu::run(const std::function<void()>& program) {
  program_ = &program;
  start_.notify(sc_core::SC_ZERO_TIME);
  sc_core::sc_start();
  tell_sanitizer_of_this_stack();
  if (program_ != nullptr) {
    throw std::logic_error("the simulation stopped in the middle of a program");
  }
}

void ModelCpu::thread() {
  for (;;) {
    while (program_ == nullptr) {
      sc_core::wait(start_);
    }
    look_at_kernel();
    (*program_)();
    program_ = nullptr;
    sc_core::sc_pause();
  }
}

void ModelCpu::power_on() {
  ahead_ = 0;
  timer_.cancel();
  timer_at_ = model::kNever;
  waiting_ = false;
}

void ModelCpu::access(bool io_space, tlm::tlm_command command, std::uint64_t address, unsigned size) {
  transaction_.set_command(command);
  transaction_.set_address(address);
  transaction_.set_data_ptr(reinterpret_cast<unsigned char*>(&data_));
  transaction_.set_data_length(size);
  transaction_.set_streaming_width(size);
  transaction_.set_byte_enable_ptr(nullptr);
  transaction_.set_dmi_allowed(false);
  transaction_.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  sc_core::sc_time delay = model::to_sc_time(ahead_);
  (io_space ? io : memory)->b_transport(transaction_, delay);
  ahead_ = delay.value();
}

std::uint32_t ModelCpu::read(bool io_space, std::uint64_t address, unsigned size) {
  data_ = 0;
  access(io_space, tlm::TLM_READ_COMMAND, address, size);
  return transaction_.is_response_ok() ? data_ : ~std::uint32_t{0};
}

void ModelCpu::write(bool io_space, std::uint64_t address, unsigned size, std::uint32_t value) {
  data_ = value;
  access(io_space, tlm::TLM_WRITE_COMMAND, address, size);
}

void ModelCpu::caught_up_with(model::Picoseconds before) {
  look_at_kernel();
  ahead_ = before > kernel_ ? before - kernel_ : 0;
}

void ModelCpu::sleep_until(model::Picoseconds time) {
  const model::Picoseconds kernel = board_.clock.now();
  if (time > kernel) {
    sc_core::wait(model::to_sc_time(time - kernel));
  }
  caught_up_with(time);
}

void ModelCpu::wait_for_interrupt(model::Picoseconds deadline) {
  const model::Picoseconds before = now();
  arm_timer(deadline);
  waiting_ = true;
  sc_core::wait(wake_);
  waiting_ = false;
  caught_up_with(before);
}

void ModelCpu::arm_timer(model::Picoseconds deadline) {
  deadline_ = deadline;
  if (deadline < timer_at_) {
    timer_at_ = deadline;
    timer_.cancel();
    timer_.notify(model::to_sc_time(deadline - std::min(deadline, board_.clock.now())));
  }
}

void ModelCpu::timer_fired() {
  timer_at_ = model::kNever;
  if (!waiting_) {
    return;
  }
  if (deadline_ <= board_.clock.now()) {
    wake_.notify();
  } else if (deadline_ != model::kNever) {
    arm_timer(deadline_);
  }
}

void ModelCpu::interrupt_delivered() {
  if (waiting_) {
    wake_.notify();
  }
}

}  // namespace ringside::targets
