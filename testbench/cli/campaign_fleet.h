// Many short runs in a few forked processes, each of which does one after the other: SystemC elaborates once in a
// process, and a process costs more than a run.
//
// Which seed a worker is at stands in memory that it shares with this process, written before the run begins. So a
// worker that dies or is ended by the watchdog tells which seed it was; a fresh one goes on with the next.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace ringside::cli {

struct FleetSettings {
  unsigned parallel = 1;
  std::chrono::milliseconds limit{30'000};  // of one run, see ComputeLimit
};

// In a worker: one line, with its end.
using SeedJob = std::function<std::string(std::uint64_t seed)>;
// In this process.
struct FleetEvents {
  std::function<void(const std::string& lines)> lines;  // whole ones, as they come
  // A seed that took its worker with it, and how that ended: "ended by signal 11 (...)".
  std::function<void(std::uint64_t seed, const std::string& problem, bool spun)> lost;
  std::function<void()> tick;  // now and then
};

// Every seed once. Workers are forked before this process elaborates anything or starts a thread. Throws Interrupted;
// no worker is left in any case.
void run_fleet(const std::vector<std::uint64_t>& seeds, const FleetSettings& settings, const SeedJob& job,
               const FleetEvents& events);

}  // namespace ringside::cli
