#include "testbench/cli/own_command_line.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "testbench/cli/run_options.h"

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

std::string this_command() {
  const std::vector<std::string> words = own_command_line();
  std::string command = "./ringside";
  for (std::size_t i = 1; i < words.size(); ++i) {
    command += " " + shell_quoted(words[i]);
  }
  return command;
}

}  // namespace ringside::cli
