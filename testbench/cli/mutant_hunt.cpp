#include "testbench/cli/mutant_hunt.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <map>
#include <new>
#include <numeric>
#include <system_error>
#include <thread>
#include <vector>

#include "testbench/campaign/draw_case.h"
#include "testbench/campaign/results.h"
#include "testbench/campaign/run_case.h"
#include "testbench/campaign/shrink_case.h"
#include "testbench/cli/campaign_fleet.h"
#include "testbench/cli/case_trials.h"

namespace ringside::cli {
namespace {

using campaign::Case;
using HuntClock = std::chrono::steady_clock;

constexpr std::uint64_t kSeedsAtATime = 512;
constexpr std::uint64_t kPatience = 5;  // times as long, for who has to tell slow from spinning on a busy machine
constexpr std::chrono::seconds kHuntGrace{5};  // the target's own limit comes first and knows more

double seconds_since(HuntClock::time_point begin) {
  return std::chrono::duration<double>(HuntClock::now() - begin).count();
}

// The lowest seed that is known to fail, for all workers: what lies behind it need not run.
class LowestSeed {
 public:
  LowestSeed() : memory_(::mmap(nullptr, sizeof(Word), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) {
      throw std::system_error(errno, std::generic_category(), "memory shared with workers");
    }
    word_ = new (memory_) Word(~std::uint64_t{0});
  }
  LowestSeed(const LowestSeed&) = delete;
  LowestSeed& operator=(const LowestSeed&) = delete;
  ~LowestSeed() { ::munmap(memory_, sizeof(Word)); }

  [[nodiscard]] bool is_behind(std::uint64_t seed) const { return seed > *word_; }
  void forget() { *word_ = ~std::uint64_t{0}; }
  void found(std::uint64_t seed) {
    for (std::uint64_t lowest = *word_; seed < lowest && !word_->compare_exchange_weak(lowest, seed);) {
    }
  }

 private:
  using Word = std::atomic<std::uint64_t>;
  static_assert(Word::is_always_lock_free, "it works between processes");
  void* memory_;
  Word* word_ = nullptr;
};

class Hunter {
 public:
  Hunter(const HuntSettings& settings, const std::function<void(std::uint64_t)>& tick)
      : settings_(settings),
        tick_(tick),
        parameters_(parameters_of(settings)),
        maker_(parameters_),
        trials_(settings.parallel, settings.run_seconds),
        patient_trials_(settings.parallel, settings.run_seconds * kPatience) {}

  [[nodiscard]] Hunt run() {
    const HuntClock::time_point begin = HuntClock::now();
    for (std::uint64_t first = 0;
         first < settings_.most_seeds && !is_over() && HuntClock::now() - begin < settings_.longest;) {
      const std::uint64_t end = std::min(first + kSeedsAtATime, settings_.most_seeds);
      const std::optional<std::uint64_t> seed = first_failing(first, end);
      first = seed ? *seed + 1 : end;
      if (!seed) {
        continue;
      }
      const Case subject = maker_.make(*seed);
      if (const std::optional<Trial> trial = of_the_mistake(subject)) {
        if (!hunt_.found) {
          hunt_.seconds = seconds_since(begin);
        }
        take(subject, *trial);
      }
    }
    if (hunt_.found) {
      hunt_.shrink_seconds = seconds_since(begin) - hunt_.seconds;
    } else {
      hunt_.seconds = seconds_since(begin);
    }
    return std::move(hunt_);
  }

 private:
  [[nodiscard]] bool is_over() const { return hunt_.found && hunt_.found->is_small(); }

  // One round of single faults, then combinations: some mistakes take two.
  static campaign::Parameters parameters_of(const HuntSettings& settings) {
    campaign::Parameters parameters;
    parameters.seeds = {0, settings.most_seeds};
    parameters.target = settings.target;
    parameters.systematic_until = campaign::systematic_round();
    parameters.random_until = settings.most_seeds;
    parameters.version = RINGSIDE_VERSION;
    return parameters;
  }

  [[nodiscard]] std::optional<std::uint64_t> first_failing(std::uint64_t first, std::uint64_t end) {
    std::vector<std::uint64_t> seeds(end - first);
    std::iota(seeds.begin(), seeds.end(), first);
    const unsigned cores = std::max(1u, std::thread::hardware_concurrency());
    const FleetSettings fleet{settings_.parallel == 0 ? cores : settings_.parallel,
                              std::chrono::seconds(settings_.run_seconds) + kHuntGrace};
    lowest_.forget();
    found_.reset();
    run_fleet(seeds, fleet, [this](std::uint64_t seed) { return try_seed(seed); },
              {[this](const std::string& lines) { hear(lines); },
               [this](std::uint64_t seed, const std::string&, bool) { fails(seed); }, [this] { tick_(hunt_.seeds); }});
    return found_;
  }

  // In a worker: a line with the seed if it fails, an empty one if not.
  [[nodiscard]] std::string try_seed(std::uint64_t seed) {
    if (lowest_.is_behind(seed)) {
      return "\n";
    }
    try {
      if (!is_failure(run_case(maker_.make(seed), {settings_.run_seconds}).outcome)) {
        return "\n";
      }
    } catch (const std::exception&) {
      // The mistake, too: without it every seed makes a machine.
    }
    lowest_.found(seed);
    return fmt::format("{}\n", seed);
  }

  void hear(const std::string& lines) {
    for (std::size_t at = 0; at < lines.size();) {
      const std::size_t end = lines.find('\n', at);
      ++hunt_.seeds;
      if (end != at) {
        fails(std::stoull(lines.substr(at, end - at)));
      }
      at = end + 1;
    }
  }

  void fails(std::uint64_t seed) {
    lowest_.found(seed);
    found_ = found_ ? std::min(*found_, seed) : seed;
  }

  // How it fails again, if not without the mistake. A run that was merely slow does not: it has more time here.
  [[nodiscard]] std::optional<Trial> of_the_mistake(const Case& subject) {
    Case without = subject;
    without.target = "model";
    const std::vector<Trial> trials = patient_trials_.run({subject, without});
    if (trials[0].kind.empty() || !trials[1].kind.empty()) {
      hunt_.passed_over.push_back(subject.seed);
      return std::nullopt;
    }
    return trials[0];
  }

  // Made small; kept if nothing smaller is.
  void take(const Case& subject, const Trial& trial) {
    Quarry quarry;
    quarry.large = file_of(subject, trial.signature);
    Case small = trials_.shrink(subject, trial.kind);
    Trial last = patient_trials_.run({small}).front();
    if (last.kind != trial.kind) {  // what made it small was slow, and no more
      small = subject;
      last = trial;
    }
    quarry.small = file_of(small, last.signature);
    quarry.small.log_hash = trials_.hash_of(small);
    quarry.faults = small.plan.faults.size();
    quarry.operations = campaign::count_operations(small.program);
    if (!hunt_.found || quarry.faults + quarry.operations < hunt_.found->faults + hunt_.found->operations) {
      hunt_.found = std::move(quarry);
    }
  }

  [[nodiscard]] static campaign::CaseFile file_of(const Case& subject, const std::string& signature) {
    return {subject, RINGSIDE_VERSION, signature, std::nullopt, campaign::campaign_image_hash()};
  }

  const HuntSettings& settings_;
  const std::function<void(std::uint64_t)>& tick_;
  campaign::Parameters parameters_;
  campaign::CaseMaker maker_;
  CaseTrials trials_;
  CaseTrials patient_trials_;
  LowestSeed lowest_;
  std::optional<std::uint64_t> found_;
  Hunt hunt_;
};

}  // namespace

Hunt hunt_mistake(const HuntSettings& settings, const std::function<void(std::uint64_t)>& tick) {
  return Hunter(settings, tick).run();
}

}  // namespace ringside::cli
