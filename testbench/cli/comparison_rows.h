// Comparisons as rows: of the table that people read, and of the document that programs read.
#pragma once

#include <cstdio>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "testbench/cli/exit_status.h"
#include "testbench/cli/junit.h"
#include "testbench/trace/compare.h"

namespace ringside::cli {

using Row = nlohmann::ordered_json;

// Every row has the same fields, whatever the verdict: "agree", "diverge", "skip" or "error".
[[nodiscard]] Row empty_row(const std::string& scenario, const std::string& verdict, const std::string& reason);
[[nodiscard]] Row row_of(const trace::Comparison& comparison);

void print_heading(std::FILE* out, const std::string& left, const std::string& right);
void print_row(std::FILE* out, const Row& row);
void print_summary(std::FILE* out, const std::vector<Row>& rows);

[[nodiscard]] Row comparison_document(const std::string& left, const std::string& right, const std::vector<Row>& rows,
                                      const trace::Waivers& waivers);
// `reports`: what each diverged row has to tell, empty for the others.
[[nodiscard]] std::vector<JunitCase> junit_cases_of(const std::vector<Row>& rows,
                                                    const std::vector<std::string>& reports);
// Whether a complete run compared something of each class, and found the canary in it; says on stderr what is missing.
[[nodiscard]] bool saw_enough(const std::vector<Row>& rows);
[[nodiscard]] ExitStatus status_of(const std::vector<Row>& rows);

// What reports call the two sides: their targets, unless that would not tell them apart.
struct SideNames {
  std::string left, right;
};
[[nodiscard]] SideNames side_names(const std::string& left_target, const std::string& right_target);

}  // namespace ringside::cli
