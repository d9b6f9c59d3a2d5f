// One seed, one case: the same one always, by streams that do not know of each other; and the file that holds one.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "testbench/campaign/case_file.h"
#include "testbench/campaign/draw_case.h"
#include "testbench/campaign/parameters.h"
#include "testbench/campaign/streams.h"
#include "testbench/faults/plan.h"
#include "testbench/scenarios/context.h"
#include "testbench/scenarios/program_table.h"
#include "testbench/targets/target.h"
#include "testbench/trace/file_error.h"

namespace ringside::campaign {
namespace {

Parameters some_parameters() {
  Parameters parameters;
  parameters.seeds = {0, 1000};
  parameters.version = "1.2.3";
  parameters.set_default_boundaries();
  return parameters;
}

std::string text_of(const Case& subject) { return print_case({subject, "1.2.3", "", std::nullopt, 0}); }

TEST(CampaignStream, ADrawMoreInOneChangesNoOther) {
  Stream one(7, "device");
  Stream other(7, "workload");
  const std::uint64_t first = Stream(7, "workload").next();
  (void)one.next();
  EXPECT_EQ(other.next(), first);
  EXPECT_NE(Stream(7, "device").next(), Stream(8, "device").next());
  EXPECT_NE(Stream(7, "device").next(), Stream(7, "workload").next());
}

TEST(CampaignCase, IsTheSameForASeedAndAnotherForAnother) {
  const Parameters parameters = some_parameters();
  const CaseMaker maker(parameters);
  EXPECT_EQ(text_of(maker.make(5)), text_of(maker.make(5)));
  EXPECT_NE(text_of(maker.make(5)), text_of(maker.make(6)));
}

TEST(CampaignCase, HasAtLeastThirtyRequestsThatMakeSense) {
  const Parameters parameters = some_parameters();
  const CaseMaker maker(parameters);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    unsigned requests = 0;
    for (const scenarios::Step& step : maker.make(seed).program.steps) {
      EXPECT_TRUE(makes_sense(step)) << "seed " << seed;
      requests += step.op >= scenarios::Op::read && step.op <= scenarios::Op::write_zeroes ? 1 : 0;
    }
    EXPECT_GE(requests, 30u) << "seed " << seed;
  }
}

TEST(CampaignCase, IsSystematicFirst) {
  const Parameters parameters = some_parameters();
  const CaseMaker maker(parameters);
  const auto actions = faults::all_actions();
  std::set<std::pair<faults::Action, trace::Kind>> seen;
  for (std::uint64_t seed = 0; seed < systematic_round(); ++seed) {
    const faults::Plan plan = maker.make(seed).plan;
    ASSERT_EQ(plan.faults.size(), 1u);
    EXPECT_EQ(plan.faults[0].nth, 1u);
    EXPECT_EQ(plan.faults[0].action, actions[seed % actions.size()].action);
    seen.emplace(plan.faults[0].action, plan.faults[0].kind);
  }
  EXPECT_EQ(seen.size(), systematic_round()) << "every fault at every kind of event";
  EXPECT_EQ(maker.make(systematic_round()).plan.faults[0].nth, 2u);
}

TEST(CampaignCase, TakesOnePlanForAllSeeds) {
  Parameters parameters = some_parameters();
  parameters.plan = "[[fault]]\non = \"doorbell\"\nnth = 3\naction = \"lost-doorbell\"\n";
  const CaseMaker maker(parameters);
  EXPECT_EQ(to_toml(maker.make(1).plan), to_toml(maker.make(99999).plan));
  EXPECT_NE(maker.make(1).program.devices, maker.make(2).program.devices);
}

TEST(CampaignCaseFile, IsReadBackAsItWas) {
  const Parameters parameters = some_parameters();
  const CaseMaker maker(parameters);
  for (const std::uint64_t seed :
       {std::uint64_t{0}, std::uint64_t{3}, parameters.systematic_until + 1, parameters.random_until + 1}) {
    const std::string text = print_case({maker.make(seed), "1.2.3", "hung: a \"request\" [x]", 0x123, 0x456});
    const CaseFile file = parse_case(text, "a.toml");
    EXPECT_EQ(print_case(file), text) << "seed " << seed;
    EXPECT_EQ(file.subject.seed, seed);
    EXPECT_EQ(file.log_hash, 0x123u);
  }
}

std::string complaint_about(const std::string& text) {
  try {
    (void)parse_case(text, "a.toml");
  } catch (const trace::FileError& problem) {
    return problem.what();
  }
  return "none";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(CampaignCaseFile, ComplaintsNameTheLineOfThisFile) {
  const Parameters parameters = some_parameters();
  const std::string text = text_of(CaseMaker(parameters).make(1));
  const auto line_of = [](const std::string& all, const std::string& what) {
    const std::string before = all.substr(0, all.find(what));
    return std::to_string(1 + std::count(before.begin(), before.end(), '\n'));
  };
  const std::string bad_step = replaced(text, "do = \"open\"", "do = \"opne\"");
  EXPECT_TRUE(complaint_about(bad_step).starts_with("a.toml:" + line_of(bad_step, "opne") + ":"))
      << complaint_about(bad_step);
  const std::string bad_fault = replaced(text, "action = \"", "action = \"no-");
  EXPECT_TRUE(complaint_about(bad_fault).starts_with("a.toml:" + line_of(bad_fault, "action = \"no-") + ":"))
      << complaint_about(bad_fault);
  EXPECT_NE(complaint_about(replaced(text, "seed = 1\n", "sed = 1\n")).find("unknown key \"sed\""), std::string::npos);
}

TEST(CampaignCaseFile, OfANewerFormatSaysSo) {
  const Parameters parameters = some_parameters();
  const std::string text = replaced(text_of(CaseMaker(parameters).make(1)), "case = 1\n", "case = 2\n");
  EXPECT_NE(complaint_about(text).find("expected a version of the format from 1 to 1"), std::string::npos)
      << complaint_about(text);
}

TEST(CampaignParameters, AreReadBackAndTellWhatDiffers) {
  Parameters parameters = some_parameters();
  parameters.plan = "[[fault]]\non = \"doorbell\"\naction = \"removed\"\n";
  const Parameters again = Parameters::parse(parameters.print(), "campaign.toml");
  EXPECT_EQ(again.print(), parameters.print());
  EXPECT_EQ(parameters.difference(again), "");
  Parameters other = parameters;
  other.seeds.end = 7;
  EXPECT_EQ(parameters.difference(other), "seeds: 0..999 here, 0..6 there");
  other = parameters;
  other.random_until += 1;
  EXPECT_NE(parameters.difference(other), "");
}

TEST(CampaignParameters, SeedsAreARange) {
  EXPECT_EQ(Seeds::parse("3..5").count(), 3u);
  EXPECT_EQ(Seeds::parse("7").text(), "7..7");
  for (const char* const bad : {"", "5..3", "a..b", "1..", "..2", "1...2", "-1..2", "9223372036854775807"}) {
    EXPECT_THROW((void)Seeds::parse(bad), targets::InputError) << bad;
  }
}

}  // namespace
}  // namespace ringside::campaign
