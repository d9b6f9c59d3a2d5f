#include "testbench/trace/toml_quoted.h"

#include <gtest/gtest.h>
#include <toml++/toml.h>

#include <string>

namespace ringside::trace {
namespace {

using namespace std::string_literals;

std::string read_back(const std::string& value) {
  return toml::parse("key = " + value)["key"].value<std::string>().value_or("no text");
}

// What TOML lets nobody write as it is, and what it reads as something else.
const std::string kAwkward = "\"quoted\" \\n \x01\x1f\x7f\t\r\n'''\0 \xc3\xa9"s;

TEST(TomlQuoted, IsReadBackAsItWas) { EXPECT_EQ(read_back(toml_quoted(kAwkward)), kAwkward); }

TEST(TomlQuoted, StandsOnOneLine) { EXPECT_EQ(toml_quoted(kAwkward).find('\n'), std::string::npos); }

TEST(TomlQuotedLines, StandAsTheyAre) {
  const std::string lines = "say \"a\\b\"\nand more\n";
  EXPECT_EQ(toml_quoted_lines(lines), "'''\n" + lines + "'''");
  EXPECT_EQ(read_back(toml_quoted_lines(lines)), lines);
}

TEST(TomlQuotedLines, WhatWouldEndThemEarlyIsEscaped) {
  EXPECT_EQ(read_back(toml_quoted_lines(kAwkward)), kAwkward);
  const std::string quotes = "one\n'''\nplan = 'another'\n";
  EXPECT_EQ(read_back(toml_quoted_lines(quotes)), quotes);
}

}  // namespace
}  // namespace ringside::trace
