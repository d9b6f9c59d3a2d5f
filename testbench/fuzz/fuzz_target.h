// What outside input goes through: one entry for each parser, one for what reads records, and those that play a hostile
// driver or a hostile device. libFuzzer calls them (libfuzzer_main.cpp), and so do the tests, which need no clang: over
// the seeds and over mutations of them that are the same every time.
//
// An entry returns for any input whatever. What a parser refuses by FileError is fine, when that is one line.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ringside::fuzz {

struct Reached;

using Input = std::span<const std::uint8_t>;

struct FuzzTarget {
  const char* name;
  void (*run)(Input input);
  // What it starts from: made here, or real files below the project's directory.
  std::vector<std::string> (*seeds)(const std::string& project);
  // How far inputs came since the process began; null where there is no way to go, as in a parser.
  const Reached& (*reached)() = nullptr;
};

[[nodiscard]] std::span<const FuzzTarget> all_fuzz_targets();
// Null when there is none of that name.
[[nodiscard]] const FuzzTarget* fuzz_target(const std::string& name);

// --- For the entries

// The text of every file below a directory whose name ends so.
[[nodiscard]] std::vector<std::string> texts_below(const std::string& directory, const std::string& extension);
// Ends the program when a refusal is not one line that names its file.
void require_one_line(const std::string& refusal, const std::string& file);

}  // namespace ringside::fuzz
