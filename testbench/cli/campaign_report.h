// What a campaign came to, for people and as a document.
#pragma once

#include <cstdint>
#include <cstdio>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "testbench/campaign/summary.h"

namespace ringside::cli {

// `directory`: where the failing cases are; empty: nowhere.
[[nodiscard]] nlohmann::ordered_json campaign_document(const campaign::Summary& summary, const std::string& directory);

void print_campaign(std::FILE* out, const campaign::Summary& summary, const std::string& directory);

// Fault by driver state by outcome; every empty cell with its reason.
void print_campaign_coverage(std::FILE* out, const campaign::Summary& summary);
[[nodiscard]] nlohmann::ordered_json coverage_document(const campaign::Summary& summary);

}  // namespace ringside::cli
