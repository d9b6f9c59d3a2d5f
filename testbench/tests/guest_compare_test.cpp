// The same driver and the same scenarios, executed by a CPU: whatever runs on target qemu runs on target guest, and the
// guest agrees with the model and with QEMU over qtest, on both machines.
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <tuple>

#include "testbench/tests/cli_program.h"

namespace ringside::tests {
namespace {

using nlohmann::json;
using Pair = std::tuple<const char*, const char*>;  // the other target, machine

constexpr std::chrono::seconds kSuiteLimit{90};

std::set<std::string> scenarios_on(const std::string& target, const std::string& machine) {
  std::set<std::string> names;
  const json list = json::parse(run_program({"list", "--json"}).out);
  for (const json& scenario : list["scenarios"]) {
    for (const json& place : scenario["where"]) {
      if (place["target"] == target && place["machine"] == machine && place["runs"] == true) {
        names.insert(scenario["name"]);
      }
    }
  }
  return names;
}

class GuestCompare : public ::testing::TestWithParam<Pair> {};

TEST_P(GuestCompare, EveryScenarioAgrees) {
  const auto& [left, machine] = GetParam();
  const auto start = std::chrono::steady_clock::now();
  const ProgramResult result =
      run_program({"compare", "--left", left, "--right", "guest", "--machine", machine, "--json"});
  if (result.status == 3) {
    GTEST_SKIP() << result.err;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, kSuiteLimit);
  EXPECT_EQ(result.status, 0) << result.err;
  std::set<std::string> agree;
  const json document = json::parse(result.out);
  for (const json& row : document["scenarios"]) {
    EXPECT_TRUE(row["verdict"] == "agree" || row["verdict"] == "skip") << row;
    if (row["verdict"] == "agree") {
      agree.insert(row["name"]);
    }
  }
  for (const std::string& name : scenarios_on("qemu", machine)) {
    EXPECT_TRUE(agree.contains(name)) << name << " runs on qemu";
  }
}

std::string name_of(const ::testing::TestParamInfo<Pair>& info) {
  return std::string(std::get<0>(info.param)) + "_" + std::get<1>(info.param);
}

INSTANTIATE_TEST_SUITE_P(Pairs, GuestCompare,
                         ::testing::Combine(::testing::Values("model", "qemu"), ::testing::Values("pc", "q35")),
                         name_of);

}  // namespace
}  // namespace ringside::tests
