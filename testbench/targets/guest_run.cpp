#include "testbench/targets/guest_run.h"

#include <fmt/core.h>

#include <system_error>
#include <thread>
#include <utility>

#include "testbench/targets/dma_arena.h"
#include "testbench/targets/guest_crash.h"
#include "testbench/targets/guest_image.h"
#include "testbench/targets/guest_registers.h"
#include "testbench/targets/guest_symbols.h"
#include "testbench/targets/qemu_asks.h"
#include "testbench/targets/run_aborted.h"

namespace ringside::targets {
namespace {

using std::chrono::steady_clock;

// The guest rings when there is something to do; a look without being asked is for the one that cannot any more.
constexpr std::chrono::milliseconds kBetweenLooks{20};
constexpr std::chrono::milliseconds kBetweenLooksAtCpu{200};
// From power-on to 64-bit code. It takes some 20 ms; a KVM that exists and runs nothing is known by this.
constexpr std::chrono::seconds kStartLimit{5};
constexpr std::chrono::seconds kForRegisters{5};

std::optional<std::chrono::seconds> longer(std::optional<std::chrono::seconds> limit) {
  return limit ? std::optional(*limit + kForRegisters) : std::nullopt;
}

}  // namespace

GuestRun::GuestRun(const std::string& binary, const MachinePlan& plan, std::span<const DiskImage> disks,
                   const GuestOrder& order, std::optional<std::chrono::seconds> limit)
    : plan_(plan),
      disks_(disks),
      accelerator_(order.accelerator),
      clock_(limit),
      monitor_clock_(longer(limit)),
      ram_(kRamBytes),
      mailbox_(ram_),
      events_(ram_) {
  mailbox_.order(order, plan_);
  try {
    start(binary, order);
  } catch (const std::system_error& problem) {
    throw RunAborted(std::string("the guest cannot be started: ") + problem.what());
  }
  power_on_ = last_look_ = steady_clock::now();
}

void GuestRun::start(const std::string& binary, const GuestOrder& order) {
  const GuestImage image = guest_image();
  const bool by_rom = order.start == GuestStart::rom;
  const Descriptor file = memory_file_of(by_rom ? image.rom : image.kernel, "ringside-guest");
  SocketPair bell = make_sockets();
  QemuLaunch launch;
  launch.accelerator = order.accelerator;
  launch.counted = order.work == guest::Work::bench && order.bench.counted != 0;
  launch.ram = ram_.fd();
  launch.bell = bell.theirs.get();
  (by_rom ? launch.rom : launch.kernel) = file.get();
  if (order.debugging && order.debugging->remote != nullptr) {
    launch.gdb = debugger_.emplace(*order.debugging->remote).stub();
  }
  session_.emplace(binary, plan_, disks_, launch, monitor_clock_, lines_);
  bell_.emplace(std::move(bell.ours));
  if (debugger_) {
    debugger_->attach();
  }
}

void GuestRun::serve(GuestLog& log) {
  std::string what;
  std::optional<guest::Registers> registers;
  try {
    if (serve_until_end(log) == guest::State::finished) {
      if (debugger_) {
        debugger_->say_finished(log.first_failure().empty());
      }
      return;
    }
    what = "the guest crashed: " + mailbox_.crash_text();
    registers = mailbox_.crash();
    if (debugger_) {
      session_->qmp().stop();  // so that it has something to look at
    }
  } catch (const RunAborted& problem) {
    if (debugger_) {
      debugger_->require_presence_soon();
    }
    what = problem.what();
    registers = stop_and_read_registers();
  }
  const std::string text = report(what, registers, log);
  if (debugger_) {
    hold_for_debugger();
  }
  throw RunAborted(text);
}

// A guest that has crashed stands still for as long as somebody looks at it. When they let it go on, it has ended.
void GuestRun::hold_for_debugger() {
  try {
    while (!debugger_->has_left() && session_->qmp().run_state() != "running") {
      std::this_thread::sleep_for(kBetweenLooksAtCpu);
    }
    debugger_->say_finished(false);
  } catch (const RunAborted&) {
    // The debugger has ended QEMU.
  }
}

guest::State GuestRun::serve_until_end(GuestLog& log) {
  for (;;) {
    if (!bell_->wait(kBetweenLooks)) {
      throw RunAborted(session_->process().obituary("closed the guest's bell"));
    }
    const guest::State state = mailbox_.state();  // before the events: all of them are in the ring at its end
    events_.drain(log);
    answer_question();
    if (state == guest::State::finished || state == guest::State::crashed) {
      return state;
    }
    if (state == guest::State::off) {
      look_whether_started();
    }
    look_at_cpu();
    if (debugger_) {
      debugger_->require_presence();
    }
    clock_.check();
  }
}

void GuestRun::answer_question() {
  if (const auto question = mailbox_.question()) {
    mailbox_.answer(*question, answer_by_qemu(*session_, plan_, disks_, static_cast<scenarios::Ask>(question->what),
                                              question->argument));
  }
}

void GuestRun::look_at_cpu() {
  if (steady_clock::now() - last_look_ < kBetweenLooksAtCpu) {
    return;
  }
  last_look_ = steady_clock::now();
  const std::string state = session_->qmp().run_state();
  if (state == "shutdown") {
    throw RunAborted("the guest's CPU gave up: an exception in an exception's handler (a triple fault)");
  }
  if (state == "internal-error") {
    throw RunAborted(fmt::format("QEMU cannot run the guest any further with {}; try guest,accel=tcg", accelerator_));
  }
}

void GuestRun::look_whether_started() const {
  if (accelerator_ == "kvm" && !debugger_ && steady_clock::now() - power_on_ > kStartLimit) {
    throw RunAborted(
        fmt::format("KVM on this machine does not run the guest, which did not start within {} s; try "
                    "guest,accel=tcg",
                    kStartLimit.count()));
  }
}

// Nothing when QEMU is no longer there to be asked.
std::optional<guest::Registers> GuestRun::stop_and_read_registers() {
  try {
    session_->qmp().stop();
    return parse_registers(session_->qmp().command_line("info registers"));
  } catch (const RunAborted&) {
    return std::nullopt;
  }
}

std::string GuestRun::report(const std::string& what, const std::optional<guest::Registers>& registers,
                             const GuestLog& log) {
  std::string text = what;
  if (registers) {
    text = crash_report(what, {ram_.data(), ram_.bytes()}, *registers, GuestSymbols(guest_image().elf));
  }
  const std::string events = log.last_events();
  return text + (events.empty() ? "\n  before any event" : "\n  after these events:" + events);
}

}  // namespace ringside::targets
