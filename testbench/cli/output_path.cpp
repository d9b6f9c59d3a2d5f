#include "testbench/cli/output_path.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "testbench/targets/target.h"

namespace ringside::cli {
namespace {

std::string error_text(int error) { return std::generic_category().message(error); }

}  // namespace

void require_writable(const std::string& file) {
  std::error_code ignored;
  const bool was_there = std::filesystem::exists(file, ignored);
  // O_NONBLOCK: a FIFO that nobody reads must not block us here.
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
  const int error = errno;
  if (fd >= 0) {
    ::close(fd);
  }
  if (fd < 0 && error != ENXIO) {
    throw targets::InputError(fmt::format("{}: cannot be written: {}", file, error_text(error)));
  }
  if (!was_there) {
    ::unlink(file.c_str());
  }
}

void require_directory(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (!error && !std::filesystem::is_directory(directory, error)) {
    error = std::make_error_code(std::errc::not_a_directory);
  }
  if (!error && ::access(directory.c_str(), W_OK | X_OK) != 0) {
    error = std::error_code(errno, std::generic_category());
  }
  if (error) {
    throw targets::InputError(fmt::format("{}: expected a directory to write to: {}", directory, error.message()));
  }
}

void write_file(const std::string& path, const std::string& contents) {
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr) {
    throw std::system_error(errno, std::generic_category(), path);
  }
  const bool written = std::fwrite(contents.data(), 1, contents.size(), file) == contents.size();
  const int error = errno;
  if (std::fclose(file) != 0 || !written) {
    throw std::system_error(written ? errno : error, std::generic_category(), path);
  }
}

std::string path_for_scenario(const std::string& path, const std::string& scenario, bool several) {
  if (!several || path.empty()) {
    return path;
  }
  const std::filesystem::path whole(path);
  return (whole.parent_path() / (whole.stem().string() + "-" + scenario + whole.extension().string())).string();
}

}  // namespace ringside::cli
