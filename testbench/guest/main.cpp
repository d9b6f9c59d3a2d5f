// From boot.S to the work that the mailbox orders.
#include "testbench/guest/bell.h"
#include "testbench/guest/bench_load.h"
#include "testbench/guest/clock.h"
#include "testbench/guest/crash.h"
#include "testbench/guest/descriptors.h"
#include "testbench/guest/interrupts.h"
#include "testbench/guest/machine.h"
#include "testbench/guest/mailbox.h"
#include "testbench/guest/paging.h"
#include "testbench/guest/scenario_work.h"

namespace ringside::guest {
namespace {

extern "C" {
using Constructor = void (*)();
extern const Constructor constructors_begin[];
extern const Constructor constructors_end[];
}

void construct_globals() {
  for (const Constructor* constructor = constructors_begin; constructor != constructors_end; ++constructor) {
    (*constructor)();
  }
}

void require_mailbox(const Mailbox& box) {
  if (box.magic != kMagic) {
    panic("there is no mailbox where the image looks for one");
  }
  if (box.layout != kLayout) {
    panic("the mailbox is laid out for another version of the image");
  }
}

void work(GuestMachine& machine, Mailbox& box) {
  switch (box.work) {
    case Work::scenario:
      run_scenario(machine, box);
      return;
    case Work::bench:
      run_bench(machine, box.bench, box.bench_result);
      return;
  }
  panic("the mailbox orders work that the image does not know");
}

}  // namespace

extern "C" [[noreturn]] void guest_main() {
  install_descriptors();
  map_memory();
  construct_globals();
  Mailbox& box = mailbox();
  require_mailbox(box);
  start_interrupts(box.mistake == Mistake::masked_interrupts);
  start_clock();
  box.ticks_per_microsecond = time_stamps_per_microsecond();
  enable_interrupts();
  say_state(State::started);
  GuestMachine machine(box.is_q35 != 0);
  work(machine, box);
  end_work(State::finished);
}

}  // namespace ringside::guest
