#include "testbench/campaign/directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <set>
#include <system_error>
#include <thread>

#include "testbench/campaign/toml_file.h"
#include "testbench/targets/target.h"
#include "testbench/trace/file_error.h"

namespace ringside::campaign {
namespace {

[[noreturn]] void fail(const std::string& path, const char* what) {
  throw trace::FileError(fmt::format("{}: {}: {}", path, what, std::strerror(errno)));
}

void write_all(int fd, const std::string& text, const std::string& path) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t count = ::write(fd, text.data() + done, text.size() - done);
    if (count < 0 && errno != EINTR) {
      fail(path, "cannot be written");
    }
    done += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
}

}  // namespace

std::string parameters_path(const std::string& directory) { return directory + "/campaign.toml"; }
std::string runs_path(const std::string& directory) { return directory + "/runs.tsv"; }
std::string failure_path(const std::string& directory, std::uint64_t seed) {
  return fmt::format("{}/failures/seed-{}.toml", directory, seed);
}

Parameters read_parameters(const std::string& directory) {
  const std::string path = parameters_path(directory);
  return Parameters::parse(read_text_file(path, "what a campaign is, beside its results"), path);
}

void write_whole_file(const std::string& path, const std::string& text) {
  const std::string fresh = fmt::format("{}.{}.new", path, ::getpid());
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) {
    fail(path, "cannot be written");
  }
  try {
    write_all(fd, text, path);
  } catch (...) {
    ::close(fd);
    throw;
  }
  ::close(fd);
  if (::rename(fresh.c_str(), path.c_str()) != 0) {
    fail(path, "cannot be written");
  }
}

namespace {

// Workers share the lock of the campaign that made them. They go with it when it is killed, but a little later.
bool lock(int file) {
  constexpr unsigned kLooks = 100;
  for (unsigned look = 0; look < kLooks; ++look) {
    if (::flock(file, LOCK_EX | LOCK_NB) == 0) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace

Directory::Directory(std::string path, const Parameters& parameters) : path_(std::move(path)) {
  std::error_code error;
  std::filesystem::create_directories(path_ + "/failures", error);
  if (error) {
    throw trace::FileError(fmt::format("--out {}: {}", path_, error.message()));
  }
  const std::string runs = runs_path(path_);
  runs_ = ::open(runs.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (runs_ < 0) {
    fail(runs, "cannot be written");
  }
  if (!lock(runs_)) {
    throw targets::InputError(fmt::format("--out {}: another campaign is at work there", path_));
  }
  if (std::filesystem::exists(parameters_path(path_))) {
    const std::string difference = parameters.difference(read_parameters(path_));
    if (!difference.empty()) {
      throw targets::InputError(fmt::format(
          "--out {}: holds another campaign ({}); expected the same, or an empty directory", path_, difference));
    }
  } else {
    write_whole_file(parameters_path(path_), parameters.print());
  }
  std::set<std::uint64_t> seen;
  const std::uint64_t whole = read_rows(runs, [&](RunRow row) {
    if (seen.insert(row.seed).second) {
      done_.push_back(std::move(row));
    }
  });
  if (::ftruncate(runs_, static_cast<off_t>(whole)) != 0) {  // what a killed writer left of a line
    fail(runs, "cannot be cut");
  }
}

Directory::~Directory() {
  if (runs_ >= 0) {
    ::close(runs_);
  }
}

void Directory::append(const std::string& lines) { write_all(runs_, lines, runs_path(path_)); }

}  // namespace ringside::campaign
