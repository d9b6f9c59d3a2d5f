#include "testbench/fuzz/fuzz_target.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "testbench/fuzz/entries.h"

namespace ringside::fuzz {
namespace {

constexpr FuzzTarget kTargets[] = {{"log", run_log, log_seeds},
                                   {"records", run_records, record_seeds},
                                   {"waivers", run_waivers, waiver_seeds},
                                   {"plan", run_plan, plan_seeds},
                                   {"program", run_program, program_seeds},
                                   {"registers", run_registers, register_seeds, registers_reached},
                                   {"rings", run_rings, ring_seeds, rings_reached},
                                   {"driver", run_driver, driver_seeds, driver_reached},
                                   {"messages", run_messages, message_seeds},
                                   {"sessions", run_sessions, session_seeds, sessions_reached}};

}  // namespace

std::span<const FuzzTarget> all_fuzz_targets() { return kTargets; }

const FuzzTarget* fuzz_target(const std::string& name) {
  const auto* const found = std::ranges::find(kTargets, name, &FuzzTarget::name);
  return found == std::end(kTargets) ? nullptr : found;
}

std::vector<std::string> texts_below(const std::string& directory, const std::string& extension) {
  std::vector<std::string> texts;
  std::error_code error;
  for (auto entry = std::filesystem::recursive_directory_iterator(directory, error);
       !error && entry != std::filesystem::recursive_directory_iterator(); entry.increment(error)) {
    if (entry->path().extension() == extension) {
      std::ifstream file(entry->path(), std::ios::binary);
      texts.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
  }
  std::ranges::sort(texts);  // a directory's own order is no order
  return texts;
}

void require_one_line(const std::string& refusal, const std::string& file) {
  if (!refusal.starts_with(file) || refusal.find('\n') != std::string::npos) {
    std::fprintf(stderr, "not one line that names %s: %s\n", file.c_str(), refusal.c_str());
    std::abort();
  }
}

}  // namespace ringside::fuzz
