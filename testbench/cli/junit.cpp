#include "testbench/cli/junit.h"

#include <fmt/core.h>

#include <algorithm>

namespace ringside::cli {
namespace {

// XML 1.0 has no way to say most control characters.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\n':
        result += "&#10;";
        break;
      default:
        result += static_cast<unsigned char>(c) < 0x20 ? '?' : c;
    }
  }
  return result;
}

const char* element_of(JunitCase::Result result) {
  switch (result) {
    case JunitCase::Result::failed:
      return "failure";
    case JunitCase::Result::skipped:
      return "skipped";
    case JunitCase::Result::error:
      return "error";
    case JunitCase::Result::passed:
      break;
  }
  return nullptr;
}

std::string case_element(const std::string& suite, const JunitCase& one) {
  const std::string head = fmt::format(R"(  <testcase classname="{}" name="{}" time="{:.3f}")", escaped(suite),
                                       escaped(one.name), one.seconds);
  const char* const element = element_of(one.result);
  if (element == nullptr && one.output.empty()) {
    return head + "/>\n";
  }
  std::string body;
  if (element != nullptr) {
    body += fmt::format("    <{} message=\"{}\"", element, escaped(one.reason));
    body += one.details.empty() ? "/>\n" : fmt::format(">{}</{}>\n", escaped(one.details), element);
  }
  if (!one.output.empty()) {
    body += "    <system-out>";
    for (const std::string& line : one.output) {
      body += escaped(line) + "\n";
    }
    body += "</system-out>\n";
  }
  return head + ">\n" + body + "  </testcase>\n";
}

}  // namespace

std::string junit_document(const std::string& suite, const std::vector<JunitCase>& cases) {
  const auto count = [&](JunitCase::Result result) { return std::ranges::count(cases, result, &JunitCase::result); };
  std::string document = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\">\n",
      escaped(suite), cases.size(), count(JunitCase::Result::failed), count(JunitCase::Result::error),
      count(JunitCase::Result::skipped));
  for (const JunitCase& one : cases) {
    document += case_element(suite, one);
  }
  return document + "</testsuite>\n";
}

}  // namespace ringside::cli
