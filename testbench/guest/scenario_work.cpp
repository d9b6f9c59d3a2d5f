#include "testbench/guest/scenario_work.h"

#include <optional>
#include <string>
#include <string_view>

#include "driver/hal/text.h"
#include "testbench/guest/asking.h"
#include "testbench/guest/crash.h"
#include "testbench/guest/mistakes.h"
#include "testbench/guest/ring_sink.h"
#include "testbench/scenarios/context.h"
#include "testbench/targets/guard_watch.h"
#include "testbench/targets/scenario_play.h"
#include "testbench/targets/target.h"
#include "testbench/trace/debug_stop.h"

namespace ringside::guest {
namespace {

class GuestTapHooks final : public trace::TapHooks {
 public:
  void before_look(std::uint8_t, std::uint16_t) override {}
  void on_spin(const void* address) override {
    hal::Line line;
    line.text("the driver spins on ").hex(reinterpret_cast<std::uint64_t>(address), 1).text(" without relax");
    panic(std::string(line.data(), line.size()).c_str());
  }
};

// What the image does not have came with the mailbox.
scenarios::Scenario program_in(const Mailbox& box, const char* name) {
  scenarios::Scenario program{name, "", scenarios::run_program};
  program.steps = {reinterpret_cast<const scenarios::Step*>(kProgramBase),
                   box.program_steps < scenarios::kMostSteps ? box.program_steps : scenarios::kMostSteps};
  return program;
}

const scenarios::Scenario& named(std::string_view name) {
  for (const scenarios::Scenario& scenario : scenarios::all_scenarios()) {
    if (name == scenario.name) {
      return scenario;
    }
  }
  panic("the mailbox names a scenario that the image does not have");
}

std::optional<trace::TapOptions> tap_of(const Mailbox& box) {
  const auto tracing = static_cast<targets::Tracing>(box.tracing);
  trace::TapOptions options;
  options.accesses = tracing == targets::Tracing::accesses;
  return tracing == targets::Tracing::off ? std::nullopt : std::optional(options);
}

trace::Event event_in(const Mailbox& box) {
  return {static_cast<trace::Kind>(box.stop_kind), box.stop_nth, static_cast<std::uint8_t>(box.stop_unit),
          box.stop_queue};
}

bool stops_before_scenario(const Mailbox& box) { return box.stop_kind == 0 && box.stop_nth != 0; }

std::string_view name_in(const Mailbox& box) { return std::string_view(box.scenario, sizeof(box.scenario)); }

}  // namespace

void run_scenario(GuestMachine& machine, Mailbox& box) {
  const std::string_view field = name_in(box);
  const std::string name(field.substr(0, field.find('\0')));
  const scenarios::Scenario scenario = box.program_steps != 0 ? program_in(box, name.c_str()) : named(name);
  RingSink ring(box);
  trace::StopAtEvent stop(ring, event_in(box));
  targets::GuardWatch guards(stop);
  GuestTapHooks tap_hooks;
  Asking asking(box);
  targets::ScenarioPlay play(machine, guards, tap_hooks, asking, tap_of(box));
  play.begin(scenario);
  make_mistake(box.mistake);
  if (stops_before_scenario(box)) {
    trace::stop_before(scenario.run);
  }
  play.play(scenario, box.seed);
  play.check_guards(guards);
  box.failed = play.bench().first_failure().empty() ? 0 : 1;
}

}  // namespace ringside::guest
