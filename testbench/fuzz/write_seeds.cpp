// `ringside_fuzz_seeds PROJECT DIRECTORY`: what each fuzzer starts from, as files in DIRECTORY/TARGET.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "testbench/fuzz/fuzz_target.h"

int main(int count, char** words) {
  if (count != 3) {
    std::fprintf(stderr, "expected: %s PROJECT DIRECTORY\n", words[0]);
    return 2;
  }
  for (const ringside::fuzz::FuzzTarget& target : ringside::fuzz::all_fuzz_targets()) {
    const std::filesystem::path directory = std::filesystem::path(words[2]) / target.name;
    std::filesystem::create_directories(directory);
    std::size_t number = 0;
    for (const std::string& seed : target.seeds(words[1])) {
      std::ofstream file(directory / ("seed-" + std::to_string(number++)), std::ios::binary);
      file << seed;
      if (!file) {
        std::fprintf(stderr, "%s: cannot be written\n", directory.c_str());
        return 4;
      }
    }
  }
  return 0;
}
