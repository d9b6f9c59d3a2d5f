// What the command line says of a target, and how its mistakes are told.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "testbench/targets/near_name.h"
#include "testbench/targets/target.h"

namespace ringside::targets {
namespace {

std::string parse_error(const std::string& text) {
  try {
    (void)TargetSpec::parse(text);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(TargetSpecTest, NameAlone) {
  const TargetSpec spec = TargetSpec::parse("model");
  EXPECT_EQ(spec.name, "model");
  EXPECT_TRUE(spec.options.empty());
}

TEST(TargetSpecTest, OptionWithoutValueIsOn) {
  EXPECT_EQ(TargetSpec::parse("model,strict").options.at("strict"), "on");
}

TEST(TargetSpecTest, ValuesMayHoldEqualsSignsAndDoubledCommas) {
  const TargetSpec spec = TargetSpec::parse("qemu,binary=/opt/a,,b/c=d");
  EXPECT_EQ(spec.options.at("binary"), "/opt/a,b/c=d");
}

TEST(TargetSpecTest, TextParsesBackToTheSame) {
  for (const std::string text : {"model", "model,strict", "qemu,binary=/opt/a,,b/qemu", "qemu,binary="}) {
    EXPECT_EQ(TargetSpec::parse(text).text(), text);
  }
}

TEST(TargetSpecTest, UnknownTargetSuggestsAndLists) {
  const std::string text = parse_error("qem");
  EXPECT_TRUE(contains(text, "unknown target \"qem\"")) << text;
  EXPECT_TRUE(contains(text, "did you mean \"qemu\"")) << text;
  EXPECT_TRUE(contains(text, "model, qemu")) << text;
  EXPECT_FALSE(contains(parse_error("vfio-user"), "did you mean"));
}

TEST(TargetSpecTest, UnknownOptionSuggestsAndLists) {
  const std::string text = parse_error("qemu,binry=/usr/bin/true");
  EXPECT_TRUE(contains(text, "unknown option \"binry\"")) << text;
  EXPECT_TRUE(contains(text, "did you mean \"binary\"")) << text;
}

TEST(TargetSpecTest, MalformedTextSaysWhatWasExpected) {
  for (const std::string text : {"", ",strict", "model,", "model,=x", "model,strict,strict"}) {
    EXPECT_TRUE(contains(parse_error(text), "expected")) << text;
  }
}

TEST(TargetSpecTest, MakeTargetRefusesWhatParseWould) {
  TargetSpec spec;
  spec.name = "no-such-target";
  EXPECT_THROW((void)make_target(spec, RunSettings{}), InputError);
}

TEST(TargetSpecTest, EveryTargetIsSummarised) {
  for (const TargetSummary& target : all_targets()) {
    EXPECT_FALSE(target.name.empty());
    EXPECT_FALSE(target.summary.empty()) << target.name;
  }
}

TEST(NearNameTest, FindsTypingMistakesAndBeginningsButNoStrangers) {
  const std::vector<std::string> names{"read-write", "scatter-gather", "flush"};
  EXPECT_EQ(near_name("raed-write", names), "read-write");
  EXPECT_EQ(near_name("scatter", names), "scatter-gather");
  EXPECT_EQ(near_name("flsh", names), "flush");
  EXPECT_EQ(near_name("zzzz", names), "");
  EXPECT_EQ(near_name(std::string(100'000, 'r'), names), "");
  EXPECT_EQ(near_name("flush", {}), "");
}

}  // namespace
}  // namespace ringside::targets
