// Systematic first: seed s is fault s mod K at opportunity s / K + 1, alone. Then combinations of any of them, then
// swarm: of a few faults, some much more often than others.
#include <algorithm>
#include <bit>
#include <vector>

#include "testbench/campaign/draw_case.h"
#include "testbench/campaign/streams.h"

namespace ringside::campaign {
namespace {

using faults::ActionSummary;
using faults::Fault;

constexpr std::uint64_t kMostTogether = 6;
constexpr unsigned kExtremes = 10;  // percent

// Each of a storm's interrupts takes real time, and after a few dozen the driver looks for itself
// (driver/block/completion_wait.cpp): the next ones say no more than those before.
constexpr std::uint64_t kMostStorm = 300;

bool is_storm(faults::Action action) {
  return action == faults::Action::interrupt_storm || action == faults::Action::interrupt_twice;
}

// Small ones as often as large ones.
std::uint64_t draw_value(Stream& random, const ActionSummary& action) {
  if (!action.takes_value) {
    return 0;
  }
  const std::uint64_t most = is_storm(action.action) ? kMostStorm : action.most;
  const std::uint64_t width = most - action.least;
  const std::uint64_t bits = random.below(static_cast<std::uint64_t>(std::bit_width(width)) + 1);
  const std::uint64_t value = action.least + std::min(width, random.next() >> (63 - bits) >> 1);
  return random.percent(kExtremes) ? random.one_of({action.least, most}) : value;
}

Fault fault_of(Stream& random, const ActionSummary& action, trace::Kind kind, std::uint64_t nth) {
  Fault fault;
  fault.action = action.action;
  fault.name = action.name;
  fault.value = static_cast<decltype(fault.value)>(draw_value(random, action));
  fault.kind = kind;
  fault.nth = nth;
  return fault;
}

// Early ones more often: most kinds come only a few times in a run.
std::uint64_t draw_nth(Stream& random) {
  const std::uint64_t reach = random.one_of<std::uint64_t>({1, 4, 16, 64});
  return random.between(1, reach);
}

Fault draw_fault(Stream& random, const ActionSummary& action, std::uint16_t queues) {
  const auto kinds = faults::trigger_kinds();
  Fault fault = fault_of(random, action, kinds[random.below(kinds.size())], draw_nth(random));
  fault.queue = static_cast<std::uint16_t>(random.percent(80) ? 0 : random.below(queues));
  const bool media = action.fault_class == faults::FaultClass::media;
  if (media && random.percent(60)) {
    fault.request = random.one_of({faults::RequestKind::read, faults::RequestKind::write});
  }
  // What a recovery meets again and again, it must give up one day.
  if ((media || (action.fault_class == faults::FaultClass::dma && happens_in_device(action.action))) &&
      random.percent(25)) {
    fault.times = random.one_of<std::uint32_t>({2, 4, 1000});
  }
  return fault;
}

faults::Plan draw_systematic(std::uint64_t seed) {
  const auto actions = faults::all_actions();
  const auto kinds = faults::trigger_kinds();
  const std::uint64_t opportunity = seed / actions.size();
  Stream random(seed, "faults");
  faults::Plan plan;
  plan.faults.push_back(fault_of(random, actions[seed % actions.size()], kinds[opportunity % kinds.size()],
                                 opportunity / kinds.size() + 1));
  return plan;
}

faults::Plan draw_random(Stream& random, std::uint16_t queues) {
  const auto actions = faults::all_actions();
  faults::Plan plan;
  const std::uint64_t count = random.between(1, kMostTogether);
  for (std::uint64_t i = 0; i < count; ++i) {
    plan.faults.push_back(draw_fault(random, actions[random.below(actions.size())], queues));
  }
  return plan;
}

// Weights 1, 4, 16, ...: what is likely differs wildly from seed to seed.
faults::Plan draw_swarm(Stream& random, std::uint16_t queues) {
  const auto actions = faults::all_actions();
  std::vector<const ActionSummary*> lots;
  const std::uint64_t subset = random.between(2, 5);
  for (std::uint64_t i = 0, weight = 1; i < subset; ++i, weight *= 4) {
    const ActionSummary& action = actions[random.below(actions.size())];
    lots.insert(lots.end(), weight, &action);
  }
  faults::Plan plan;
  const std::uint64_t count = random.between(1, 2 * kMostTogether);
  for (std::uint64_t i = 0; i < count; ++i) {
    plan.faults.push_back(draw_fault(random, *lots[random.below(lots.size())], queues));
  }
  return plan;
}

}  // namespace

std::uint64_t systematic_round() { return faults::all_actions().size() * faults::trigger_kinds().size(); }

faults::Plan draw_plan(std::uint64_t seed, const Parameters& parameters) {
  if (seed < parameters.systematic_until) {
    return draw_systematic(seed);
  }
  constexpr std::uint16_t kQueues = 4;
  Stream random(seed, "faults");
  return seed < parameters.random_until ? draw_random(random, kQueues) : draw_swarm(random, kQueues);
}

}  // namespace ringside::campaign
