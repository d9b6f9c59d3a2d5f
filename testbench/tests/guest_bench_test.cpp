// What a request costs the driver, counted on an emulated CPU; and that the rates on QEMU's disk are measured at all.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "testbench/tests/cli_program.h"

namespace ringside::tests {
namespace {

using nlohmann::json;

std::map<std::string, double> measure(const std::string& name, ProgramResult& result) {
  std::map<std::string, double> rows;
  result = run_program({"bench", name, "--json"});
  if (result.status == 0) {
    const json document = json::parse(result.out);
    for (const json& row : document["benchmarks"]) {
      rows[row["name"]] = row["value"];
    }
  }
  return rows;
}

TEST(GuestBench, ARequestCostsTheDriverAtMost150InstructionsInBatches) {
  ProgramResult result;
  std::map<std::string, double> rows = measure("driver_instructions", result);
  if (result.status == 3) {
    GTEST_SKIP() << result.err;
  }
  ASSERT_EQ(result.status, 0) << result.err;
  for (const std::string ring : {"split", "packed"}) {
    const double single = rows["driver_instructions_" + ring + "_batch1"];
    const double batched = rows["driver_instructions_" + ring + "_batch32"];
    EXPECT_LE(batched, 150) << ring;
    EXPECT_GE(batched, 50) << ring << ": something is not counted";
    EXPECT_GT(single, batched) << ring;
  }
}

TEST(GuestBench, RatesAreMeasuredOnAGuestAndOverQtest) {
  ProgramResult result;
  std::map<std::string, double> rows = measure("guest_read4k_qd32", result);
  if (result.status == 3) {
    GTEST_SKIP() << result.err;
  }
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(rows.size(), 4u);
  EXPECT_GT(rows["guest_read4k_qd32"], rows["guest_read4k_qd1"]);
  EXPECT_GT(rows["qemu_read4k_qd32"], 0);
}

}  // namespace
}  // namespace ringside::tests
