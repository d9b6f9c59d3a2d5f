// What a campaign came to, for people and as a document.
#pragma once

#include <cstdint>
#include <cstdio>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "testbench/campaign/summary.h"
#include "testbench/cli/junit.h"

namespace ringside::cli {

// `directory`: where the failing cases are; empty: nowhere.
[[nodiscard]] nlohmann::ordered_json campaign_document(const campaign::Summary& summary, const std::string& directory);

void print_campaign(std::FILE* out, const campaign::Summary& summary, const std::string& directory);

// Fault by driver state by outcome; every empty cell with its reason.
void print_campaign_coverage(std::FILE* out, const campaign::Summary& summary);
[[nodiscard]] nlohmann::ordered_json coverage_document(const campaign::Summary& summary);

// Each fault that happened, each that never did, and each way to fail.
[[nodiscard]] std::vector<JunitCase> campaign_junit_cases(const campaign::Summary& summary,
                                                          const std::string& directory);

}  // namespace ringside::cli
