// Verdicts as a JUnit file, for CI.
#pragma once

#include <string>
#include <vector>

namespace ringside::cli {

struct JunitCase {
  enum class Result { passed, failed, skipped, error };
  std::string name;
  Result result = Result::passed;
  std::string reason;
  double seconds = 0;
  std::vector<std::string> output = {};  // lines beside the verdict
  std::string details = {};              // of a failure: the whole report, several lines
};

[[nodiscard]] std::string junit_document(const std::string& suite, const std::vector<JunitCase>& cases);

}  // namespace ringside::cli
