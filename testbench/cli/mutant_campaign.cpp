#include "testbench/cli/mutant_campaign.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "testbench/campaign/directory.h"
#include "testbench/cli/mutant_hunt.h"
#include "testbench/cli/progress.h"

namespace ringside::cli {
namespace {

using HuntRow = nlohmann::ordered_json;

class MutantCampaign {
 public:
  explicit MutantCampaign(const MutantCampaignOptions& options) : options_(options) {
    if (!options.keep.empty()) {
      std::filesystem::create_directories(options.keep);
    }
  }

  [[nodiscard]] ExitStatus run() {
    for (const targets::Mistake& mistake : options_.mistakes) {
      take(mistake, hunt(mistake));
    }
    fmt::print(human(), "\n{} mistakes: {} caught by a campaign; {} of them with at most {} faults and {} operations\n",
               options_.mistakes.size(), caught_, small_, kSmallFaults, kSmallOperations);
    if (options_.json) {
      const HuntRow document{{"schema", "ringside.mutants/1"},
                             {"by", "campaign"},
                             {"mutants", rows_},
                             {"caught", caught_},
                             {"small", small_},
                             {"total", options_.mistakes.size()}};
      fmt::print("{}\n", document.dump(2, ' ', false, HuntRow::error_handler_t::replace));
    }
    return small_ == options_.mistakes.size() ? ExitStatus::holds : ExitStatus::does_not_hold;
  }

 private:
  [[nodiscard]] std::FILE* human() const { return options_.json ? stderr : stdout; }

  [[nodiscard]] Hunt hunt(const targets::Mistake& mistake) {
    HuntSettings settings;
    settings.target = fmt::format("model,{}={}", mistake.option, mistake.name);
    settings.most_seeds = options_.seeds;
    settings.parallel = options_.parallel;
    Hunt result = hunt_mistake(settings, [&](std::uint64_t seeds) {
      progress_.show(
          fmt::format("{} of {}: {}, {} seeds", rows_.size() + 1, options_.mistakes.size(), mistake.name, seeds));
    });
    progress_.clear();
    for (const std::uint64_t seed : result.passed_over) {
      fmt::print(stderr, "seed {} says nothing of {}: it fails without it, too, or not a second time\n", seed,
                 mistake.name);
    }
    return result;
  }

  void take(const targets::Mistake& mistake, const Hunt& hunt) {
    HuntRow row{
        {"name", mistake.name}, {"in", "driver"}, {"summary", mistake.summary}, {"caught_by", HuntRow::array()}};
    if (hunt.found) {
      const Quarry& quarry = *hunt.found;
      const bool is_small = quarry.is_small();
      ++caught_;
      small_ += is_small ? 1 : 0;
      row["caught_by"].push_back("campaign");
      row["seed"] = quarry.large.subject.seed;
      row["signature"] = quarry.large.signature;
      row["faults"] = quarry.faults;
      row["operations"] = quarry.operations;
      row["small_signature"] = quarry.small.signature;
      fmt::print(human(), "{:<34} seed {:>5}, {:>5.1f} s; {} faults, {:>2} operations after {:>5.1f} s{}  {}\n",
                 mistake.name, quarry.large.subject.seed, hunt.seconds, quarry.faults, quarry.operations,
                 hunt.shrink_seconds, is_small ? "" : " (too large)", quarry.small.signature);
      keep(mistake.name, quarry);
    } else {
      fmt::print(human(), "{:<34} not found by {} seeds, {:.1f} s\n", mistake.name, hunt.seeds, hunt.seconds);
    }
    row["seeds"] = hunt.seeds;
    row["seconds"] = hunt.seconds;
    row["shrink_seconds"] = hunt.shrink_seconds;
    rows_.push_back(std::move(row));
    std::fflush(human());
  }

  void keep(const std::string& name, const Quarry& quarry) const {
    if (!options_.keep.empty()) {
      campaign::write_whole_file(fmt::format("{}/{}.toml", options_.keep, name), print_case(quarry.small));
    }
  }

  const MutantCampaignOptions& options_;
  Progress progress_;
  HuntRow rows_ = HuntRow::array();
  std::size_t caught_ = 0;
  std::size_t small_ = 0;
};

}  // namespace

ExitStatus hunt_mutants(const MutantCampaignOptions& options) { return MutantCampaign(options).run(); }

}  // namespace ringside::cli
