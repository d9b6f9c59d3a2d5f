// A text file that either is written in full or is an error.
#pragma once

#include <fstream>
#include <string>

namespace ringside::trace {

class OutputFile {
 public:
  // Throws FileError when it cannot be opened.
  explicit OutputFile(const std::string& path);
  [[nodiscard]] std::ostream& stream() { return file_; }
  // Throws FileError when anything could not be written.
  void close();

 private:
  std::string path_;
  std::ofstream file_;
};

}  // namespace ringside::trace
