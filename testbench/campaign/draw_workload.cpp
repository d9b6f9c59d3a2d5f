#include "testbench/campaign/draw_case.h"
#include "testbench/campaign/streams.h"
#include "testbench/programs/building.h"
#include "testbench/scenarios/campaign_workload.h"
#include "testbench/scenarios/program_table.h"
#include "testbench/scenarios/sector_oracle.h"

namespace ringside::campaign {
namespace {

using programs::set;
using scenarios::DiskArgs;
using scenarios::Op;
using scenarios::RequestArgs;
using scenarios::Step;

constexpr unsigned kLeastRequests = 30;
constexpr unsigned kMostRequests = 33;

Op draw_operation(Stream& random) {
  const std::uint64_t of100 = random.below(100);
  if (of100 < 40) {
    return Op::write;
  }
  if (of100 < 78) {
    return Op::read;
  }
  if (of100 < 86) {
    return Op::flush;
  }
  if (of100 < 91) {
    return Op::write_zeroes;
  }
  return of100 < 95 ? Op::discard : Op::get_id;
}

// Few sectors, so that requests meet each other's.
Step draw_request(Stream& random, std::uint16_t queues, std::uint64_t area) {
  Step step = scenarios::step_of(draw_operation(random));
  const bool ranged = step.op != Op::flush && step.op != Op::get_id;
  if (ranged) {
    const std::uint64_t sectors =
        random.percent(50) ? 1 + random.below(2) : random.between(1, scenarios::kCampaignSectors);
    set(step, RequestArgs::sector, random.below(area - sectors));
    set(step, RequestArgs::sectors, sectors);
  }
  if ((step.op == Op::read || step.op == Op::write) && random.percent(30)) {
    set(step, RequestArgs::segments, random.between(2, scenarios::kCampaignSegments));
  }
  if (queues > 1) {
    set(step, RequestArgs::queue, random.below(queues));
  }
  return step;
}

}  // namespace

// Most devices come with it switched on.
std::optional<Step> draw_write_cache(std::uint64_t seed) {
  Stream random(seed, "write cache");
  if (!random.percent(15)) {
    return std::nullopt;
  }
  Step step = scenarios::step_of(Op::set_write_cache);
  set(step, scenarios::SettingArgs::value, 0);
  return step;
}

std::vector<Step> draw_requests(std::uint64_t seed, std::uint16_t queues) {
  Stream random(seed, "workload");
  std::vector<Step> steps;
  steps.reserve(4 * kMostRequests);
  const std::uint64_t requests = random.between(kLeastRequests, kMostRequests);
  const std::uint64_t area = random.one_of<std::uint64_t>({16, 32, 32, 64, 64, scenarios::SectorOracle::kSectors});
  const std::uint64_t deepest = random.one_of<std::uint64_t>({1, 4, 8, scenarios::kCampaignLanes});
  for (std::uint64_t sent = 0; sent < requests;) {
    const std::uint64_t batch = std::min(random.between(1, deepest), requests - sent);
    for (std::uint64_t i = 0; i < batch; ++i) {
      steps.push_back(draw_request(random, queues, area));
      if (batch > 1) {
        set(steps.back(), RequestArgs::batch, 1);
      }
    }
    if (batch > 1) {
      steps.push_back(scenarios::step_of(Op::submit));
    }
    sent += batch;
    if (random.percent(40)) {
      steps.push_back(scenarios::step_of(Op::wait));
      set(steps.back(), DiskArgs::count, random.between(1, deepest));
    } else if (random.percent(20)) {
      steps.push_back(scenarios::step_of(Op::finish));
    }
  }
  return steps;
}

}  // namespace ringside::campaign
