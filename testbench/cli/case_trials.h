// Cases of a campaign run in worker processes, to see whether each fails and how: for those who look for smaller ones.
// A case that takes its process with it is an answer like any other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "testbench/campaign/case.h"

namespace ringside::cli {

// How one run ended, as a worker tells it. Both are empty when it did not fail.
struct Trial {
  std::string kind;  // of the failure, without the faults
  std::string signature;
};

// Of a run whose worker did not come back, from what became of the worker.
[[nodiscard]] std::string signature_of_lost(const std::string& problem);
// By which signal is chance: it depends on what lay where memory was overwritten.
[[nodiscard]] bool is_crash(std::string_view signature);

class CaseTrials {
 public:
  // `parallel`: 0 is one worker for each core. `seconds` of real time for one run.
  CaseTrials(unsigned parallel, std::uint64_t seconds);

  [[nodiscard]] std::vector<Trial> run(const std::vector<campaign::Case>& cases);
  // The first of them that fails so.
  [[nodiscard]] std::optional<std::size_t> first_that_fails(const std::vector<campaign::Case>& cases,
                                                            const std::string& kind);
  // The smallest case that fails as `subject` does, which is of this kind.
  [[nodiscard]] campaign::Case shrink(const campaign::Case& subject, const std::string& kind);
  // Of its log; nothing when it does not live to tell.
  [[nodiscard]] std::optional<std::uint64_t> hash_of(const campaign::Case& subject);

  [[nodiscard]] std::uint64_t runs() const { return runs_; }

 private:
  [[nodiscard]] std::vector<Trial> run_in(const std::vector<campaign::Case>& cases, std::size_t per_worker) const;

  unsigned workers_;
  std::uint64_t seconds_;
  std::uint64_t runs_ = 0;
};

}  // namespace ringside::cli
