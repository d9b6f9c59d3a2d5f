// A failing run as one self-contained file, which `replay` and `shrink` take:
//
//   case = 1                  # version of the format
//   version = "1.2.3"         # of the Ringside that wrote it
//   seed = 17
//   target = "model"
//   signature = "hung: every request ends [lost-doorbell]"
//   image_hash = "0x..."      # of the disk that it ran on
//   log_hash = "0x..."        # of its log, byte for byte; none when the run took its process with it
//   settings = {"latency.media_read_ns" = "100"}
//   program = '''...'''       # a scenario file (docs/traces.md): machine, device, steps
//   plan = '''...'''          # a fault plan (testbench/faults/plan.h)
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "testbench/campaign/case.h"

namespace ringside::campaign {

struct CaseFile {
  Case subject;
  std::string version;
  std::string signature;  // expected; empty: none
  std::optional<std::uint64_t> log_hash;
  std::uint64_t image_hash = 0;
};

[[nodiscard]] std::string print_case(const CaseFile& file);
// Throw trace::FileError: one line with file, line and what was expected there.
[[nodiscard]] CaseFile parse_case(const std::string& text, const std::string& path);
[[nodiscard]] CaseFile load_case(const std::string& path);

// Of the pristine disk of every case.
[[nodiscard]] std::uint64_t campaign_image_hash();

}  // namespace ringside::campaign
