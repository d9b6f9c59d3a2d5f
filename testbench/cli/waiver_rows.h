// Waivers in what a comparison says: the table for people, the list in the document.
#pragma once

#include <cstdio>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "testbench/trace/waivers.h"

namespace ringside::cli {

// Every one of them, hit or not.
[[nodiscard]] nlohmann::ordered_json waiver_rows(const trace::Waivers& waivers);

// A line for each that was hit; nothing when none was.
void print_waivers(std::FILE* out, const trace::Waivers& waivers);

// Says on stderr what Waivers::review() finds. False when that is a failure.
[[nodiscard]] bool review_waivers(const trace::Waivers& waivers, bool complete_run,
                                  const std::vector<std::string>& identities);

}  // namespace ringside::cli
