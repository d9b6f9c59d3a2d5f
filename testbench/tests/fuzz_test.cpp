// The fuzzers' entries, without clang: over what they start from, over what was once found, and over mutations that are
// the same every time. What is wrong ends the program, under a sanitizer all the more.
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "testbench/fuzz/fuzz_target.h"
#include "testbench/fuzz/reached.h"
#include "testbench/scenarios/context.h"

namespace ringside::fuzz {
namespace {

constexpr std::size_t kMutations = 400;  // of each seed, as far as the limit lets
constexpr std::size_t kMostRuns = 4000;  // of one entry

void run(const FuzzTarget& target, const std::string& text) {
  target.run({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

std::string mutated(std::string text, scenarios::Random& random, const std::string& other) {
  for (std::uint64_t changes = 1 + random.below(4); changes != 0 && !text.empty(); --changes) {
    const std::size_t at = random.below(text.size());
    switch (random.below(6)) {
      case 0:
        text[at] = static_cast<char>(text[at] ^ 1 << random.below(8));
        break;
      case 1:
        text[at] = static_cast<char>(random.next());
        break;
      case 2:
        text.erase(at, 1 + random.below(64));
        break;
      case 3:
        text.insert(at, text.substr(random.below(text.size()), random.below(64)));
        break;
      case 4:
        text.replace(at, 1, random.below(2) == 0 ? "99999999999999999999" : std::string(8, '\xff'));
        break;
      default:
        text.insert(at, other.substr(std::min(other.size(), static_cast<std::size_t>(random.below(1024))), 48));
        break;
    }
  }
  return text;
}

class FuzzTest : public ::testing::TestWithParam<FuzzTarget> {};

TEST_P(FuzzTest, AnyInputIsReadOrRefused) {
  const FuzzTarget& target = GetParam();
  const std::vector<std::string> seeds = target.seeds(RINGSIDE_SOURCE_DIR);
  ASSERT_FALSE(seeds.empty());
  scenarios::Random random(1);
  const std::size_t mutations = std::min(kMutations, kMostRuns / seeds.size());
  run(target, "");
  for (const std::string& seed : seeds) {
    run(target, seed);
    for (std::size_t i = 0; i < mutations; ++i) {
      run(target, mutated(seed, random, seeds[random.below(seeds.size())]));
    }
  }
}

// A hostile driver or device that never gets as far as a request tests nothing but its own bring-up.
class HostileFuzzTest : public FuzzTest {};

TEST_P(HostileFuzzTest, SeedsReachRequests) {
  const FuzzTarget& target = GetParam();
  const Reached before = target.reached();
  const std::vector<std::string> seeds = target.seeds(RINGSIDE_SOURCE_DIR);
  for (const std::string& seed : seeds) {
    run(target, seed);
  }
  // More than the check at the end of each run, that all is well again, would reach by itself.
  const Reached& after = target.reached();
  const std::size_t each = seeds.size();
  RecordProperty("requests", std::to_string(after.requests - before.requests));
  EXPECT_GE(after.bring_ups - before.bring_ups, 2 * each);
  EXPECT_GE(after.requests - before.requests, 4 * each);
  EXPECT_GE(after.reads - before.reads, 2 * each);
  EXPECT_GE(after.writes - before.writes, 2 * each);
  EXPECT_GE(after.completions - before.completions, 4 * each);
}

// All but the parsers.
std::vector<FuzzTarget> with_requests() {
  std::vector<FuzzTarget> targets;
  std::ranges::copy_if(all_fuzz_targets(), std::back_inserter(targets),
                       [](const FuzzTarget& target) { return target.reached != nullptr; });
  return targets;
}

INSTANTIATE_TEST_SUITE_P(Entries, HostileFuzzTest, ::testing::ValuesIn(with_requests()),
                         [](const auto& instance) { return std::string(instance.param.name); });

INSTANTIATE_TEST_SUITE_P(Entries, FuzzTest, ::testing::ValuesIn(all_fuzz_targets().begin(), all_fuzz_targets().end()),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace ringside::fuzz
