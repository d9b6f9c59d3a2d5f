// `ringside clauses`, and what monitors find in the documents of `run` and `compare`.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "testbench/tests/cli_document.h"
#include "testbench/tests/cli_program.h"

namespace ringside::tests {
namespace {

using nlohmann::json;

std::size_t count(const json& clauses, const char* checked_by) {
  return static_cast<std::size_t>(
      std::ranges::count_if(clauses, [&](const json& clause) { return clause["checked_by"] == checked_by; }));
}

TEST(CliClauses, EachIsCheckedByOneOfThree) {
  const json document = document_of(run_program({"clauses", "--json"}));
  EXPECT_EQ(document["schema"], "ringside.clauses/1");
  const json& clauses = document["clauses"];
  EXPECT_EQ(count(clauses, "monitor"), document["monitor"].get<std::size_t>());
  EXPECT_EQ(count(clauses, "test"), document["test"].get<std::size_t>());
  EXPECT_EQ(count(clauses, "nothing"), document["nothing"].get<std::size_t>());
  EXPECT_EQ(count(clauses, "monitor") + count(clauses, "test") + count(clauses, "nothing"), clauses.size());
  EXPECT_GE(count(clauses, "monitor"), 150u);
}

TEST(CliClauses, ChosenByWhatChecksThemAndByName) {
  const json document = document_of(run_program({"clauses", "--json", "--monitor", "pciisr-*"}));
  ASSERT_FALSE(document["clauses"].empty());
  for (const json& clause : document["clauses"]) {
    EXPECT_EQ(clause["checked_by"], "monitor");
    EXPECT_TRUE(clause["id"].get<std::string>().starts_with("pciisr-"));
  }
  EXPECT_EQ(run_program({"clauses", "nothing-drv-01"}).status, 2);
}

TEST(CliClauses, FindingsOfBothSidesAreInAComparison) {
  const TemporaryDirectory directory;
  const std::string junit = directory.file("result.xml");
  const json document =
      document_of(run_program({"compare", "refused", "flush", "--right", "model", "--json", "--junit", junit}));
  for (const json& row : document["scenarios"]) {
    const bool breaks_on_purpose = row["name"] == "refused";
    EXPECT_EQ(row["verdict"], "agree") << row["name"];
    for (const char* side : {"left", "right"}) {
      EXPECT_EQ(row["violations"][side].empty(), !breaks_on_purpose) << row["name"];
    }
  }
  EXPECT_NE(contents_of(junit).find("the driver breaks blkop-drv-02"), std::string::npos);
}

}  // namespace
}  // namespace ringside::tests
