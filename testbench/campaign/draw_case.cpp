#include "testbench/campaign/draw_case.h"

#include <fmt/format.h>

#include "testbench/scenarios/campaign_workload.h"

namespace ringside::campaign {

CaseMaker::CaseMaker(const Parameters& parameters) : parameters_(parameters) {
  if (!parameters.plan.empty()) {
    fixed_plan_ = faults::parse_plan(parameters.plan, "plan of the campaign");
  }
}

Case CaseMaker::make(std::uint64_t seed) const {
  Case result;
  result.seed = seed;
  result.target = parameters_.target;
  programs::Program& program = result.program;
  program.name = fmt::format("seed-{}", seed);
  program.summary = fmt::format("seed {} of a campaign", seed);
  program.machine = draw_machine(seed);
  const DrawnDevice device = draw_device(seed, program.machine);
  program.devices = {device.properties};
  program.disk_sectors = scenarios::kCampaignDiskSectors;
  program.steps = {draw_open(seed, program.machine, device)};
  if (const auto cache = draw_write_cache(seed)) {
    program.steps.push_back(*cache);
  }
  const std::vector<scenarios::Step> requests = draw_requests(seed, device.queues);
  program.steps.insert(program.steps.end(), requests.begin(), requests.end());
  result.settings = draw_settings(seed);
  result.plan = fixed_plan_ ? *fixed_plan_ : draw_plan(seed, parameters_);
  return result;
}

}  // namespace ringside::campaign
