#include "testbench/trace/output_file.h"

#include <fmt/core.h>

#include <cerrno>
#include <cstring>

#include "testbench/trace/file_error.h"

namespace ringside::trace {

OutputFile::OutputFile(const std::string& path) : path_(path), file_(path, std::ios::binary | std::ios::trunc) {
  if (!file_) {
    throw FileError(fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
  }
}

void OutputFile::close() {
  errno = 0;
  file_.close();
  if (!file_) {
    throw FileError(
        fmt::format("{}: cannot be written in full: {}", path_, errno != 0 ? std::strerror(errno) : "I/O error"));
  }
}

}  // namespace ringside::trace
