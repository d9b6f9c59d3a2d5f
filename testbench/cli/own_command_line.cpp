#include "testbench/cli/own_command_line.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace ringside::cli {

std::vector<std::string> own_command_line() {
  std::vector<std::string> words;
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  for (std::string word; std::getline(file, word, '\0');) {
    words.push_back(word);
  }
  if (words.empty()) {
    throw std::runtime_error("/proc/self/cmdline: cannot be read");
  }
  words.front() = std::filesystem::read_symlink("/proc/self/exe");  // what it was called may be found in PATH alone
  return words;
}

}  // namespace ringside::cli
