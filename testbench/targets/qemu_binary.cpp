#include "testbench/targets/qemu_binary.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <vector>

#include "testbench/targets/qemu_process.h"
#include "testbench/targets/target.h"

namespace ringside::targets {
namespace {

constexpr std::chrono::seconds kAnswerLimit{10};
constexpr std::string_view kVersionPrefix = "QEMU emulator version ";
constexpr char kExpected[] = "expected QEMU's system emulator for x86_64, as in Debian's package qemu-system-x86";

bool is_program(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

std::string search_path(const std::string& name) {
  const char* const path = std::getenv("PATH");
  std::istringstream directories(path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path);
  for (std::string directory; std::getline(directories, directory, ':');) {
    const std::filesystem::path candidate = std::filesystem::path(directory) / name;
    if (is_program(candidate)) {
      return candidate;
    }
  }
  return {};
}

std::string locate(const std::string& wanted) {
  if (wanted.empty()) {
    std::string path = default_qemu_path();
    if (path.empty()) {
      throw LackingError(
          fmt::format("{} is not installed; the target qemu needs it: apt install qemu-system-x86", kDefaultQemu));
    }
    return path;
  }
  std::string path = wanted.find('/') == std::string::npos ? search_path(wanted) : wanted;
  std::error_code ignored;
  if (path.empty() || !std::filesystem::exists(path, ignored)) {
    throw InputError(fmt::format("target qemu: binary={}: no such file; {}", wanted, kExpected));
  }
  if (!is_program(path)) {
    throw InputError(fmt::format("target qemu: binary={}: is not executable; {}", wanted, kExpected));
  }
  return path;
}

// A number of few digits.
std::optional<unsigned> take_number(std::string_view& text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || value > 9999) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::string first_line(const std::string& text) { return text.substr(0, std::min<std::size_t>(text.find('\n'), 80)); }

// What it writes before it ends by itself.
std::string output_of(const std::string& path, const std::vector<std::string>& arguments) {
  boost::asio::io_context context;
  try {
    QemuProcess process(context, path, arguments, {});
    if (!process.wait_for_end(std::chrono::steady_clock::now() + kAnswerLimit)) {
      throw InputError(fmt::format("target qemu: {} {} does not end; {}", path, arguments.front(), kExpected));
    }
    return process.output();
  } catch (const std::system_error& problem) {
    throw InputError(fmt::format("target qemu: {}: {}; {}", path, problem.code().message(), kExpected));
  }
}

}  // namespace

std::optional<QemuVersion> take_version(std::string_view& text) {
  const auto major = take_number(text);
  if (!major || !text.starts_with('.')) {
    return std::nullopt;
  }
  text.remove_prefix(1);
  const auto minor = take_number(text);
  return minor ? std::optional(QemuVersion{*major, *minor}) : std::nullopt;
}

QemuBinary find_qemu(const std::string& wanted) {
  QemuBinary binary;
  binary.path = locate(wanted);
  const std::string said = first_line(output_of(binary.path, {"--version"}));
  std::string_view rest = said;
  const bool is_qemu = rest.starts_with(kVersionPrefix);
  rest.remove_prefix(is_qemu ? kVersionPrefix.size() : 0);
  binary.version = rest;
  const auto numbers = take_version(rest);
  if (!is_qemu || !numbers) {
    throw InputError(fmt::format("target qemu: {} --version says \"{}\"; {}", binary.path, said, kExpected));
  }
  binary.numbers = *numbers;
  return binary;
}

std::string qemu_device_help(const QemuBinary& binary) {
  return output_of(binary.path, {"-device", "virtio-blk-pci,help"});
}

std::string default_qemu_path() { return search_path(kDefaultQemu); }

}  // namespace ringside::targets
