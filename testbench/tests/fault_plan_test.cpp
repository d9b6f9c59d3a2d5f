// A plan says what goes wrong, and when; what it cannot mean is refused with the line and what was expected there.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "testbench/faults/plan.h"

namespace ringside::faults {
namespace {

std::string refusal(const std::string& text) {
  try {
    static_cast<void>(parse_plan(text, "plan.toml"));
  } catch (const trace::FileError& problem) {
    return problem.what();
  }
  return "accepted";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(FaultPlan, SaysTriggerAndAction) {
  const Plan plan = parse_plan(
      "[[fault]]\non = \"used_seen\"\nnth = 7\nunit = 1\nqueue = 2\naction = \"used-id\"\nvalue = 0xffff\nname = "
      "\"x\"\n",
      "plan.toml");
  ASSERT_EQ(plan.faults.size(), 1u);
  const Fault& fault = plan.faults[0];
  EXPECT_EQ(fault.kind, trace::Kind::used_seen);
  EXPECT_EQ(fault.nth, 7u);
  EXPECT_EQ(fault.unit, 1u);
  EXPECT_EQ(fault.queue, 2u);
  EXPECT_EQ(fault.action, Action::used_id);
  EXPECT_EQ(fault.value, 0xffffu);
  EXPECT_EQ(fault.name, "x");
}

TEST(FaultPlan, DefaultsToTheFirstEventOfTheFirstQueue) {
  const Plan plan = parse_plan("[[fault]]\non = \"doorbell\"\naction = \"removed\"\n", "plan.toml");
  EXPECT_EQ(plan.faults.at(0).nth, 1u);
  EXPECT_EQ(plan.faults.at(0).unit, 0u);
  EXPECT_EQ(plan.faults.at(0).queue, 0u);
  EXPECT_EQ(plan.faults.at(0).name, "removed");
}

TEST(FaultPlan, RefusesWithLineAndExpectation) {
  struct Case {
    const char* text;
    const char* place;
    const char* expected;
  };
  const Case cases[] = {
      {"", "plan.toml:1:", "expected at least one [[fault]]"},
      {"fault = 3\n", "plan.toml:1:", "expected nothing but [[fault]]"},
      {"[[fault]]\nwhen = 3\n", "plan.toml:2:", "unknown key \"when\"; expected one of on,"},
      {"[[fault]]\naction = \"removed\"\n", "plan.toml:1:", "without \"on\""},
      {"[[fault]]\non = \"doorbel\"\naction = \"removed\"\n", "plan.toml:2:", "expected one of"},
      {"[[fault]]\non = \"dev_used\"\naction = \"removed\"\n", "plan.toml:2:", "expected one of"},
      {"[[fault]]\non = \"access\"\naction = \"removed\"\n", "plan.toml:2:", "expected one of"},
      {"[[fault]]\non = \"doorbell\"\n", "plan.toml:1:", "without \"action\""},
      {"[[fault]]\non = \"doorbell\"\naction = \"explode\"\n", "plan.toml:3:", "expected one of function-absent,"},
      {"[[fault]]\non = \"doorbell\"\nnth = 0\naction = \"removed\"\n", "plan.toml:3:", "a number from 1 to"},
      {"[[fault]]\non = \"doorbell\"\nnth = \"3\"\naction = \"removed\"\n", "plan.toml:3:", "a number from 1 to"},
      {"[[fault]]\non = \"doorbell\"\nqueue = 65536\naction = \"removed\"\n", "plan.toml:3:", "from 0 to 65535"},
      {"[[fault]]\non = \"doorbell\"\naction = \"removed\"\nvalue = 1\n", "plan.toml:4:", "takes no value"},
      {"[[fault]]\non = \"doorbell\"\naction = \"used-id\"\n", "plan.toml:1:", "without value"},
      {"[[fault]]\non = \"doorbell\"\naction = \"used-index\"\nvalue = 0\n", "plan.toml:4:", "from 1 to 65535"},
      {"[[fault]]\non = \"doorbell\"\naction = \"status-byte\"\nvalue = 256\n", "plan.toml:4:", "from 0 to 255"},
      {"[[fault]]\non = \"doorbell\"\naction = \"removed\"\nname = 3\n", "plan.toml:4:", "a name in quotes"},
      {"[[fault]]\non = \"doorbell\"\naction = \"removed\"\ntimes = 2\n", "plan.toml:4:", "does not choose by it"},
      {"[[fault]]\non = \"doorbell\"\naction = \"completion-never\"\nsector = 2\n", "plan.toml:4:", "does not choose"},
      {"[[fault]]\non = \"doorbell\"\naction = \"media-error\"\ntimes = 0\n", "plan.toml:4:", "from 1 to"},
      {"[[fault]]\non = \"doorbell\"\naction = \"media-error\"\nrequest = \"erase\"\n",
       "plan.toml:4:", "expected one of any, read, write, flush"},
      {"[[fault]]\non = doorbell\n", "plan.toml:2:", ""},
  };
  for (const Case& c : cases) {
    const std::string said = refusal(c.text);
    EXPECT_TRUE(contains(said, c.place) && contains(said, c.expected)) << c.text << "says: " << said;
  }
}

TEST(FaultPlan, MissingFileIsNamed) {
  EXPECT_THROW(static_cast<void>(load_plan("/nonexistent/plan.toml")), trace::FileError);
  EXPECT_THROW(static_cast<void>(load_plan("/")), trace::FileError);
}

TEST(FaultPlan, EveryExampleLoads) {
  std::size_t plans = 0;
  for (const auto& entry : std::filesystem::directory_iterator(RINGSIDE_SOURCE_DIR "/traces/faults")) {
    if (entry.path().extension() == ".toml") {
      EXPECT_FALSE(load_plan(entry.path().string()).faults.empty()) << entry.path();
      ++plans;
    }
  }
  EXPECT_GE(plans, all_actions().size());
}

}  // namespace
}  // namespace ringside::faults
