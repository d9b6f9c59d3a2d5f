#include "testbench/trace/vcd_format.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "testbench/trace/file_error.h"

namespace ringside::trace {
namespace {

constexpr std::size_t kBuffered = 256 * 1024;

// Identifier codes: printable ASCII, shortest first.
std::string code_of(std::size_t number) {
  constexpr std::size_t kFirst = '!';
  constexpr std::size_t kCodes = '~' - '!' + 1;
  std::string code;
  do {
    code.push_back(static_cast<char>(kFirst + number % kCodes));
    number /= kCodes;
  } while (number-- != 0);
  return code;
}

// A value ends at the first space, so text is escaped: as fst2vcd does it, so that both ways give the same file, and as
// GTKWave reads it.
std::string escaped(std::string_view text) {
  constexpr std::string_view kEscaped = "\a\b\f\n\r\t\v'\"\\?";
  constexpr std::string_view kLetters = "abfnrtv'\"\\?";
  std::string result;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (const std::size_t which = kEscaped.find(character); which != std::string_view::npos) {
      result += '\\';
      result += kLetters[which];
    } else if (byte > 0x20 && byte < 0x7f) {
      result += character;
    } else {
      result += fmt::format("\\{:03o}", byte);
    }
  }
  return result;
}

// Beside the file that it will become part of, where there is room for one if there is for the other.
std::FILE* nameless_file_beside(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  const int fd = ::open(parent.empty() ? "." : parent.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  return fd >= 0 ? ::fdopen(fd, "w+b") : std::tmpfile();
}

}  // namespace

VcdFormat::VcdFormat(const std::string& path, std::string_view comment)
    : path_(path), file_(std::fopen(path.c_str(), "wbe")) {
  if (file_ == nullptr) {
    fail(errno);
  }
  changes_.reset(nameless_file_beside(path));
  if (changes_ == nullptr) {
    fail(errno);
  }
  header_ = fmt::format("$comment {} $end\n$version Ringside $end\n$timescale 1 ns $end\n", escaped(comment));
}

void VcdFormat::open_scope(std::string_view name) { header_ += fmt::format("$scope module {} $end\n", name); }

void VcdFormat::close_scope() { header_ += "$upscope $end\n"; }

WaveFormat::Id VcdFormat::declare(Type type, unsigned bits, std::string_view name) {
  const char* const word = type == Type::bits    ? "reg"
                           : type == Type::count ? "integer"
                           : type == Type::event ? "event"
                                                 : "string";
  const Id id = variables_.size();
  variables_.push_back({code_of(id), bits});
  header_ += fmt::format("$var {} {} {} {} $end\n", word, bits == 0 ? 1 : bits, variables_[id].code, name);
  return id;
}

void VcdFormat::time(std::uint64_t time) {
  if (buffer_.size() >= kBuffered) {
    flush();
  }
  buffer_ += fmt::format("#{}\n", time);
}

void VcdFormat::number(Id id, std::uint64_t value) {
  const Variable& variable = variables_[id];
  if (variable.bits == 1) {
    buffer_ += fmt::format("{}{}\n", value & 1, variable.code);
    return;
  }
  const std::uint64_t mask = variable.bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << variable.bits) - 1;
  // With its leading zeros, as fst2vcd writes it.
  buffer_ += fmt::format("b{:0{}b} {}\n", value & mask, variable.bits, variable.code);
}

void VcdFormat::text(Id id, std::string_view text) {
  buffer_ += fmt::format("s{} {}\n", escaped(text), variables_[id].code);
}

void VcdFormat::event(Id id) { buffer_ += fmt::format("1{}\n", variables_[id].code); }

void VcdFormat::flush() {
  // What fails here shows in ferror() at the end.
  std::fwrite(buffer_.data(), 1, buffer_.size(), changes_.get());
  buffer_.clear();
}

void VcdFormat::close() {
  flush();
  header_ += "$enddefinitions $end\n";
  std::fwrite(header_.data(), 1, header_.size(), file_.get());
  copy_changes();
  const bool complete = std::ferror(file_.get()) == 0 && std::ferror(changes_.get()) == 0;
  const int error = errno;
  if (std::fclose(file_.release()) != 0 || !complete) {
    fail(complete ? errno : error);
  }
}

void VcdFormat::copy_changes() {
  std::fflush(changes_.get());
  std::rewind(changes_.get());
  std::string chunk(kBuffered, '\0');
  while (const std::size_t bytes = std::fread(chunk.data(), 1, chunk.size(), changes_.get())) {
    if (std::fwrite(chunk.data(), 1, bytes, file_.get()) != bytes) {
      return;
    }
  }
}

void VcdFormat::fail(int error) const {
  throw FileError(fmt::format("{}: cannot be written: {}", path_, std::strerror(error)));
}

}  // namespace ringside::trace
