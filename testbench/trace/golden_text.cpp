// Golden logs as text, and back. A file is outside input.
#include <fmt/core.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>

#include "testbench/trace/golden_log.h"

namespace ringside::trace {
namespace {

constexpr std::string_view kTitle = "ringside golden log ";
constexpr std::string_view kStreams = "streams ";
constexpr std::string_view kSegment = "segment ";
constexpr std::string_view kEvent = "  ";
constexpr std::size_t kMostSegments = 100'000;
constexpr std::uintmax_t kMostBytes = 16 * 1024 * 1024;
constexpr std::uint64_t kMostTime = std::uint64_t{1} << 60;

class Parser {
 public:
  Parser(const std::string& text, const std::string& name) : text_(text), name_(name) {}

  [[nodiscard]] GoldenLog parse() {
    std::istringstream lines(text_);
    std::string line;
    while (std::getline(lines, line)) {
      ++number_;
      take(line);
    }
    if (number_ == 0) {
      number_ = 1;
      fail("an empty file; expected a golden log");
    }
    if (golden_.segments.empty()) {
      fail("no segment; expected at least one");
    }
    return std::move(golden_);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw FileError(fmt::format("{}:{}: {}", name_, number_, what));
  }

  void take(std::string_view line) {
    if (number_ == 1) {
      take_title(line);
    } else if (line.starts_with(kSegment)) {
      take_segment(line.substr(kSegment.size()));
    } else if (line.starts_with(kEvent) && !golden_.segments.empty()) {
      golden_.segments.back().events.emplace_back(line.substr(kEvent.size()));
    } else if (golden_.segments.empty() && line.starts_with(kStreams)) {
      take_streams(line.substr(kStreams.size()));
    } else if (golden_.segments.empty()) {
      take_maker(line);
    } else {
      fail("expected a segment, or what happened in it after two spaces");
    }
  }

  void take_title(std::string_view line) {
    if (!line.starts_with(kTitle)) {
      fail(fmt::format("no golden log; expected \"{}{}.{}\"", kTitle, kGoldenMajor, kGoldenMinor));
    }
    line.remove_prefix(kTitle.size());
    const std::size_t dot = line.find('.');
    const auto major = number<unsigned>(line.substr(0, dot), "the major version", 10, ~0u);
    if (major != kGoldenMajor) {
      fail(fmt::format("a golden log of version {}; this program reads {}.x: `ringside regress --update` makes it anew",
                       line, kGoldenMajor));
    }
    if (dot == std::string_view::npos) {
      fail("expected MAJOR.MINOR");
    }
    (void)number<unsigned>(line.substr(dot + 1), "the minor version", 10, ~0u);
  }

  void take_maker(std::string_view line) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos || space == 0 || space + 1 == line.size()) {
      fail("expected a word and a value, as in \"machine pc-i440fx-7.2\", or a segment");
    }
    golden_.made_by.emplace_back(line.substr(0, space), line.substr(space + 1));
  }

  void take_streams(std::string_view line) {
    golden_.streams.driver = number<std::uint32_t>(word(line), "a hash of the driver's side", 16, ~std::uint32_t{0});
    golden_.streams.device = number<std::uint32_t>(line, "a hash of the device's side", 16, ~std::uint32_t{0});
  }

  // "64 records 12345 ns 0f9a3c51 77aa0b12 MARKS"
  void take_segment(std::string_view line) {
    if (golden_.segments.size() == kMostSegments) {
      fail(fmt::format("expected at most {} segments", kMostSegments));
    }
    GoldenSegment segment;
    segment.records = number<std::uint64_t>(word(line), "a number of records", 10, kMostTime);
    expect(line, "records");
    segment.duration = number<std::uint64_t>(word(line), "nanoseconds", 10, kMostTime);
    expect(line, "ns");
    segment.content = number<std::uint32_t>(word(line), "a hash of the contents", 16, ~std::uint32_t{0});
    segment.times = number<std::uint32_t>(word(line), "a hash of the times", 16, ~std::uint32_t{0});
    segment.marks = word(line);
    if (segment.records == 0 || segment.marks.empty() || segment.marks.size() > kMostMarks || !line.empty()) {
      fail(fmt::format("expected records, and 1 to {} marks at the end of the segment", kMostMarks));
    }
    golden_.segments.push_back(std::move(segment));
  }

  [[nodiscard]] static std::string_view word(std::string_view& line) {
    const std::string_view first = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(line.size(), first.size() + 1));
    return first;
  }

  void expect(std::string_view& line, std::string_view wanted) const {
    if (word(line) != wanted) {
      fail(fmt::format("expected \"segment N records N ns HASH HASH MARKS\", and \"{}\" is not where it should be",
                       wanted));
    }
  }

  template <class Number>
  [[nodiscard]] Number number(std::string_view text, const char* what, int base, Number most) const {
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value > most) {
      fail(fmt::format("expected {}", what));
    }
    return value;
  }

  const std::string& text_;
  const std::string& name_;
  std::uint64_t number_ = 0;
  GoldenLog golden_;
};

}  // namespace

std::string print(const GoldenLog& golden) {
  std::string text = fmt::format("{}{}.{}\n", kTitle, kGoldenMajor, kGoldenMinor);
  for (const auto& [what, value] : golden.made_by) {
    text += fmt::format("{} {}\n", what, value);
  }
  text += fmt::format("{}{:08x} {:08x}\n", kStreams, golden.streams.driver, golden.streams.device);
  for (const GoldenSegment& segment : golden.segments) {
    text += fmt::format("{}{} records {} ns {:08x} {:08x} {}\n", kSegment, segment.records, segment.duration,
                        segment.content, segment.times, segment.marks);
    for (const std::string& event : segment.events) {
      text += fmt::format("{}{}\n", kEvent, event);
    }
  }
  return text;
}

GoldenLog parse_golden(const std::string& text, const std::string& name) { return Parser(text, name).parse(); }

GoldenLog load_golden(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text;
  char buffer[4096];
  while (file && text.size() <= kMostBytes) {
    file.read(buffer, sizeof(buffer));
    text.append(buffer, static_cast<std::size_t>(file.gcount()));
  }
  if (!file.eof()) {
    throw FileError(text.size() > kMostBytes
                        ? fmt::format("{}: expected a golden log of at most {} bytes", path, kMostBytes)
                        : fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  }
  return parse_golden(text, path);
}

}  // namespace ringside::trace
