#include "testbench/fuzz/entries.h"
#include "testbench/trace/waivers.h"

namespace ringside::fuzz {
namespace {

constexpr char kSample[] =
    "[[waiver]]\nclause = \"pcicommon-dev-15\"\nreason = \"seen\"\nscenario = \"queue-*\"\nkind = \"register_read\"\n"
    "subject = \"common.queue_*\"\nfield = \"value\"\ndecided_by = \"maintainers\"\nexpires = 2026-06-10\n"
    "versions = [\"7.2\"]\n";

}  // namespace

void run_waivers(Input input) {
  const std::string text(input.begin(), input.end());
  try {
    const auto day = std::chrono::year{2026} / 6 / 12;
    trace::Waivers waivers = trace::Waivers::parse(text, "w.toml", day);
    static_cast<void>(waivers.match({"pcicommon-dev-15", "register_read", "common.queue_size", "value"}, "queue-reset",
                                    {"QEMU 7.2.22"}));
    static_cast<void>(waivers.review(true, {"QEMU 7.2.22"}));
  } catch (const trace::FileError& refusal) {
    require_one_line(refusal.what(), "w.toml");
  }
}

std::vector<std::string> waiver_seeds(const std::string& project) {
  std::vector<std::string> seeds = texts_below(project + "/traces", ".toml");
  seeds.emplace_back(kSample);
  return seeds;
}

}  // namespace ringside::fuzz
