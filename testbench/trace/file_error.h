// A file that cannot be read, written or understood: one line that names the file, where in it, and what was expected.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace ringside::trace {

struct FileError : std::runtime_error {
  explicit FileError(std::string line) : std::runtime_error(as_one_line(std::move(line))) {}

 private:
  // Messages quote what stands in a file, and that may be anything.
  static std::string as_one_line(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](unsigned char byte) { return byte < 0x20 || byte == 0x7f; }, '?');
    return text;
  }
};

}  // namespace ringside::trace
