// Programs compared on two targets, to see how each comparison ends: for those who look for differences, and for
// smaller programs that show them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "testbench/cli/run_options.h"
#include "testbench/programs/program.h"
#include "testbench/targets/target.h"
#include "testbench/trace/waivers.h"

namespace ringside::cli {

// How one program ended.
struct ProgramEnding {
  std::string verdict;  // as in compare_pair.h
  std::string reason;
  std::string report;  // of a divergence
  std::vector<std::string> quirks;
  std::vector<std::uint64_t> compared;  // exact, ordered, invariant, waived
};

// What makes two findings the same one: the numbers in the sentence differ from program to program. One line.
[[nodiscard]] std::string signature_of(const std::string& verdict, const std::string& reason);

[[nodiscard]] std::string dump(const ProgramEnding& ending);
[[nodiscard]] ProgramEnding parse_ending(const std::string& text);

class ProgramTrials {
 public:
  // Throws targets::InputError.
  ProgramTrials(const RunOptions& run, const std::string& left, const std::string& right, const std::string& waivers);

  // In this process. Throws what a machine that cannot be made throws.
  [[nodiscard]] ProgramEnding compare(const programs::Program& program);
  // Each in a process of its own.
  [[nodiscard]] std::vector<ProgramEnding> run(const std::vector<programs::Program>& programs);

  struct Small {
    programs::Program program;
    ProgramEnding ending;
  };
  // The smallest program that ends so, too. Nothing when this one does not do so again.
  [[nodiscard]] std::optional<Small> shrink(const programs::Program& program, const std::string& signature);

  // The command that compares a file so.
  [[nodiscard]] std::string reproduction(const std::string& file) const;
  // For the file itself.
  [[nodiscard]] programs::Finding finding(const std::string& signature) const;

  [[nodiscard]] const targets::RunSettings& settings() const { return settings_; }
  [[nodiscard]] bool both_are_models() const { return left_.name == "model" && right_.name == "model"; }
  // In this process: what comparisons in others found is theirs.
  [[nodiscard]] trace::Waivers& waivers() { return waivers_; }
  [[nodiscard]] const trace::Waivers& waivers() const { return waivers_; }
  [[nodiscard]] const std::string& left_identity() const { return left_identity_; }
  [[nodiscard]] const std::string& right_identity() const { return right_identity_; }
  [[nodiscard]] std::uint64_t runs() const { return runs_; }

 private:
  [[nodiscard]] ProgramEnding tried(const programs::Program& candidate);
  [[nodiscard]] std::optional<std::size_t> first_with(const std::string& signature,
                                                      const std::vector<programs::Program>& candidates,
                                                      ProgramEnding& ending);

  const RunOptions& run_;
  targets::TargetSpec left_;
  targets::TargetSpec right_;
  std::string waiver_file_;
  targets::RunSettings settings_;
  trace::Waivers waivers_;
  std::string left_identity_, right_identity_;
  std::uint64_t runs_ = 0;
};

}  // namespace ringside::cli
