// A scenario file, "program": TOML that people write by hand and that `compare --random` writes when it finds
// something. docs/traces.md is the reference of the format; scenarios/program_table.h says what each step takes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "testbench/scenarios/program.h"

namespace ringside::programs {

inline constexpr std::uint64_t kProgramVersion = 1;

// How a comparison of two targets came to keep a program, for who runs it again: as options of `ringside compare`.
struct Finding {
  std::string left = "model";
  std::string right = "qemu";
  std::uint64_t seed = 1;
  std::string machine;
  std::vector<std::string> devices;
  std::vector<std::string> disks;
  std::vector<std::string> settings;
  std::string waivers;
  std::string signature;  // what the comparison said, without numbers
  std::string version;    // of the Ringside that said so
};

struct Program {
  std::string name;     // of the scenario: the file's stem
  std::string file;     // as it was given; empty when it came from nowhere
  std::string summary;  // one line
  std::string clause;   // what of VIRTIO it is about; may be empty
  std::string machine;  // "pc", "q35"; empty: any
  std::vector<std::string> devices;
  std::uint64_t disk_sectors = 0;  // 0: the usual size
  std::vector<scenarios::Step> steps;
  std::optional<Finding> found;
};

// Both throw trace::FileError: one line with file, line and what was expected there. `path` gives the name and is what
// messages say; parse_program does not open it.
[[nodiscard]] Program parse_program(const std::string& text, const std::string& path);
[[nodiscard]] Program load_program(const std::string& path);

// As a file that parse_program reads back to the same program; one step a line, without what is default.
[[nodiscard]] std::string print_program(const Program& program);

}  // namespace ringside::programs
