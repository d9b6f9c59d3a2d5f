#include "testbench/scenarios/program.h"

#include <new>

#include "testbench/scenarios/program_device.h"
#include "testbench/scenarios/program_disks.h"
#include "testbench/scenarios/program_report.h"
#include "testbench/scenarios/program_rings.h"
#include "testbench/scenarios/program_table.h"

namespace ringside::scenarios {
namespace {

// Lives in private memory: too large for a bare CPU's stack.
class Interpreter {
 public:
  explicit Interpreter(Context& context)
      : context_(context),
        report_(context),
        disks_(context, report_),
        device_(context, report_),
        rings_(context, report_, device_) {}

  void run() {
    if (!context_.check(disks_.init(), "there is memory for the program")) {
      return;
    }
    const Steps steps = context_.steps();
    for (std::uint32_t i = 0; i < steps.count && i < kMostSteps; ++i) {
      report_.at(steps.first[i], i + 1);
      if (report_.require(makes_sense(steps.first[i]), "the step makes sense")) {
        run(steps.first[i]);
      }
    }
    disks_.shutdown_all();
    device_.leave();
    rings_.release();
  }

 private:
  void run(const Step& step) {
    if (step.op < Op::ask) {
      run_on_disk(step);
    } else if (step.op < Op::find) {
      run_on_bench(step);
    } else if (step.op < Op::queue) {
      run_on_device(step);
    } else {
      run_on_rings(step);
    }
  }

  void run_on_disk(const Step& step) {
    switch (step.op) {
      case Op::open:
        return disks_.open(step);
      case Op::shutdown:
        return disks_.shutdown(step);
      case Op::submit:
        return disks_.submit(step);
      case Op::wait:
        return disks_.wait(step);
      case Op::poll:
        return disks_.poll(step);
      case Op::finish:
        return disks_.finish(step);
      case Op::set_write_cache:
        return disks_.set_write_cache(step);
      case Op::reset_queue:
        return disks_.reset_queue(step);
      case Op::info:
        return disks_.info(step);
      case Op::counters:
        return disks_.counters(step);
      default:
        return disks_.request(step);
    }
  }

  void run_on_bench(const Step& step) {
    if (step.op == Op::ask) {
      const auto what = static_cast<Ask>(step.args[AskArgs::what]);
      report_.check(context_.bench().ask(what, step.args[AskArgs::argument]) != kNotAvailable, "the bench can do it");
      return;
    }
    hal::Machine& machine = context_.machine();
    const std::uint64_t end = machine.now() + step.args[DelayArgs::ns];
    while (machine.now() < end) {
      machine.relax(end);
    }
  }

  void run_on_device(const Step& step) {
    switch (step.op) {
      case Op::find:
        return device_.find(step);
      case Op::config_read:
        return device_.config_read(step);
      case Op::config_write:
        return device_.config_write(step);
      case Op::register_read:
        return device_.register_read(step);
      case Op::register_write:
        return write_register(step);
      case Op::reset:
        return device_.reset();
      case Op::status:
        return device_.status(step);
      default:
        return device_.negotiate(step);
    }
  }

  void write_register(const Step& step) {
    std::uint64_t value = 0;
    if (rings_.resolve(step.args[RegisterArgs::value], step.args[RegisterArgs::base], value)) {
      device_.register_write(step, value);
    }
  }

  void run_on_rings(const Step& step) {
    switch (step.op) {
      case Op::queue:
        return rings_.queue(step);
      case Op::buffer:
        return rings_.buffer(step);
      case Op::fill:
        return rings_.fill(step);
      case Op::put:
        return rings_.put(step);
      case Op::header:
        return rings_.header(step);
      case Op::range:
        return rings_.range(step);
      case Op::desc:
        return rings_.desc(step);
      case Op::avail:
        return rings_.avail(step);
      case Op::avail_index:
        return rings_.avail_index(step);
      case Op::publish:
        return rings_.publish(step);
      case Op::suppress:
        return rings_.suppress(step);
      case Op::notify:
        return rings_.notify(step);
      case Op::await:
        return rings_.await(step);
      case Op::used:
        return rings_.used(step);
      case Op::peek:
        return rings_.peek(step);
      case Op::hash:
        return rings_.hash(step);
      default:
        return rings_.check_fill(step);
    }
  }

  Context& context_;
  StepReport report_;
  ProgramDisks disks_;
  ProgramDevice device_;
  ProgramRings rings_;
};

}  // namespace

void run_program(Context& context) {
  void* const place = context.machine().alloc_private(sizeof(Interpreter), alignof(Interpreter));
  if (context.check(place != nullptr, "there is memory for the program")) {
    (new (place) Interpreter(context))->run();
  }
}

}  // namespace ringside::scenarios
