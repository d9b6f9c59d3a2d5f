#include "testbench/cli/bench/qemu_bench.h"

#include <fmt/core.h>

#include <chrono>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "driver/block/open.h"
#include "testbench/cli/bench/load.h"
#include "testbench/guest/mailbox.h"
#include "testbench/targets/guest_log.h"
#include "testbench/targets/guest_order.h"
#include "testbench/targets/guest_run.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/qemu_found.h"
#include "testbench/targets/qemu_machine.h"
#include "testbench/trace/memory_log.h"

namespace ringside::cli {
namespace {

constexpr std::chrono::seconds kLimit{120};
constexpr unsigned kRepetitions = 5;
constexpr double kSeconds = 0.3;  // of one repetition over qtest
constexpr std::uint32_t kSectors = 8;
constexpr std::uint32_t kDepth = 32;
constexpr std::uint64_t kRequests = 200'000;
constexpr std::uint64_t kRequestsAtDepthOne = 20'000;
constexpr std::uint64_t kCountedRequests = 6'400;

struct Bench {
  std::string binary;
  targets::MachinePlan plan;
};

Bench plan_bench(const std::string& device) {
  targets::RunSettings settings;
  settings.devices = {device};
  const targets::QemuFound found = targets::find_usable_qemu(targets::TargetSpec::parse("guest"), settings);
  return {found.binary.path, targets::plan_machine(settings)};
}

guest::BenchResult run_guest(const Bench& bench, const guest::BenchOrder& what) {
  targets::GuestOrder order;
  order.work = guest::Work::bench;
  order.tracing = targets::Tracing::off;
  order.bench = what;
  trace::MemoryLog records;
  targets::GuestLog log(records);
  targets::GuestRun run(bench.binary, bench.plan, {}, order, kLimit);
  run.serve(log);
  const guest::BenchResult result = run.mailbox().bench_result();
  if (result.errors != 0 || result.requests < what.requests || result.nanoseconds == 0) {
    throw std::runtime_error(fmt::format("the guest completed {} requests, {} errors", result.requests, result.errors));
  }
  return result;
}

guest::BenchOrder order_of(std::uint32_t depth, std::uint32_t batch, std::uint64_t requests) {
  guest::BenchOrder order{};
  order.requests = requests;
  order.depth = depth;
  order.batch = batch;
  order.sectors = kSectors;
  order.polled = 1;
  return order;
}

// Half of what may fly at a time, so that driver and device work together.
double guest_rate(const Bench& bench, std::uint32_t depth, std::uint64_t requests) {
  const guest::BenchResult result = run_guest(bench, order_of(depth, depth == 1 ? 1 : depth / 2, requests));
  return static_cast<double>(result.requests) * 1e9 / static_cast<double>(result.nanoseconds);
}

double qtest_rate(const Bench& bench) {
  targets::QemuMachine machine(bench.binary, bench.plan, {}, kLimit);
  block::Options options;
  options.completion = block::Completion::polled;
  block::BlockDevice* const disk = block::open_disk(machine, hal::Plain{}, options);
  if (disk == nullptr) {
    throw std::runtime_error("the driver does not come up on QEMU");
  }
  const LoadShape shape{"read4k_qd32", block::Operation::read, kSectors * block::kSectorSize, kDepth, false};
  const double rate = Load(machine, *disk, shape).run(kSeconds);
  disk->shutdown();
  return rate;
}

// Guest and qtest take turns, so that whatever else the machine does hits both.
std::vector<Measured> measure_rates() {
  const Bench bench = plan_bench("");
  Measured deep{"guest_read4k_qd32", "requests/s", {}};
  Measured single{"guest_read4k_qd1", "requests/s", {}};
  Measured qtest{"qemu_read4k_qd32", "requests/s", {}};
  Measured ratio{"ratio_guest_qemu_qd32", "guest/qemu", {}};
  for (unsigned i = 0; i < kRepetitions; ++i) {
    deep.values.push_back(guest_rate(bench, kDepth, kRequests));
    single.values.push_back(guest_rate(bench, 1, kRequestsAtDepthOne));
    qtest.values.push_back(qtest_rate(bench));
    ratio.values.push_back(deep.values.back() / qtest.values.back());
  }
  return {std::move(deep), std::move(single), std::move(qtest), std::move(ratio)};
}

// The CPU's time-stamp counter counts its instructions; a loop whose length is known says whether it does.
double instructions(const Bench& bench, std::uint32_t batch) {
  constexpr double kTolerance = 8;
  guest::BenchOrder order = order_of(batch, batch, kCountedRequests);
  order.counted = 1;
  const guest::BenchResult result = run_guest(bench, order);
  const double known = static_cast<double>(result.known_loop_ticks);
  if (std::abs(known - static_cast<double>(guest::kKnownLoopInstructions)) > kTolerance) {
    throw std::runtime_error(
        fmt::format("a loop of {} instructions counts as {}", guest::kKnownLoopInstructions, result.known_loop_ticks));
  }
  return static_cast<double>(result.driver_ticks) / static_cast<double>(result.requests);
}

std::vector<Measured> measure_instructions() {
  std::vector<Measured> rows;
  for (const auto& [ring, device] : {std::pair{"split", ""}, std::pair{"packed", "packed=on"}}) {
    const Bench bench = plan_bench(device);
    for (const std::uint32_t batch : {1u, kDepth}) {
      rows.push_back(
          {fmt::format("driver_instructions_{}_batch{}", ring, batch), "instr/request", {instructions(bench, batch)}});
    }
  }
  return rows;
}

}  // namespace

void require_qemu_benches() {
  static_cast<void>(targets::make_target(targets::TargetSpec::parse("guest"), targets::RunSettings{}));
}

const std::vector<QemuBench>& qemu_benches() {
  static const std::vector<QemuBench> benches{
      {"null_read4k",
       {"guest_read4k_qd32", "guest_read4k_qd1", "qemu_read4k_qd32", "ratio_guest_qemu_qd32"},
       measure_rates},
      {"driver_instructions",
       {"driver_instructions_split_batch1", "driver_instructions_split_batch32", "driver_instructions_packed_batch1",
        "driver_instructions_packed_batch32"},
       measure_instructions},
  };
  return benches;
}

}  // namespace ringside::cli
