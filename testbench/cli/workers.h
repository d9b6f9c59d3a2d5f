// Work in forked processes with a watchdog: a crash, a spin or an abort is the outcome of one job, not the end of all.
//
// Workers are forked before this process elaborates anything or starts a thread. A worker dies with this process, and
// what a worker started (a QEMU) dies with the worker.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

namespace ringside::cli {

struct JobResult {
  std::string answer;   // what the job returned
  std::string problem;  // why there is no answer: "ended by signal 11 (Segmentation fault)"; empty when there is one
  double seconds = 0;
};

struct WorkerSettings {
  unsigned parallel = 1;
  std::chrono::milliseconds limit{60'000};  // for each job
};

using Job = std::function<std::string(std::size_t index)>;
using Done = std::function<void(std::size_t index, const JobResult& result)>;

// Runs job(0) .. job(count-1), each in a process of its own, and hands every result to done() in this process, in the
// order in which they end. tick() is called at least every 200 ms. An InputError or LackingError from a job ends all
// and is thrown here; so does an interrupt (Interrupted). No worker is left in any case.
void run_in_workers(std::size_t count, const WorkerSettings& settings, const Job& job, const Done& done,
                    const std::function<void()>& tick = {});

}  // namespace ringside::cli
