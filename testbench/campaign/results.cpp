#include "testbench/campaign/results.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>

#include "testbench/trace/file_error.h"

namespace ringside::campaign {
namespace {

constexpr std::size_t kMostSignature = 300;
constexpr std::size_t kMostLine = 64u << 10;
constexpr std::array kStates = {DriverState::starting, DriverState::idle, DriverState::in_flight,
                                DriverState::recovering, DriverState::calm};

std::string_view take_word(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view word = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return word;
}

std::optional<FaultEnd> parse_fault(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) {
    return std::nullopt;
  }
  FaultEnd fault{std::string(text.substr(0, colon)), false, DriverState::starting};
  const std::string_view state = text.substr(colon + 1);
  if (state == "-") {
    return fault;
  }
  for (const DriverState known : kStates) {
    if (state == to_string(known)) {
      fault.fired = true;
      fault.state = known;
      return fault;
    }
  }
  return std::nullopt;
}

// On one line, without what divides a row.
std::string plain(std::string_view text) {
  std::string result(text.substr(0, kMostSignature));
  for (char& c : result) {
    c = static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  }
  return result;
}

}  // namespace

RunRow row_of(std::uint64_t seed, const Ending& ending) {
  return {seed, ending.outcome, ending.faults, plain(ending.signature())};
}

std::string print_row(const RunRow& row) {
  std::string text = fmt::format("{}\t{}\t", row.seed, to_string(row.outcome));
  for (std::size_t i = 0; i < row.faults.size(); ++i) {
    const FaultEnd& fault = row.faults[i];
    text += i == 0 ? "" : ",";
    text += fault.name;
    text += ':';
    text += fault.fired ? to_string(fault.state) : "-";
  }
  text += '\t';
  text += plain(row.signature);
  text += '\n';
  return text;
}

RunRow parse_row(std::string_view line, const std::string& path, std::uint64_t number) {
  const auto fail = [&](const char* expected) {
    throw trace::FileError(fmt::format("{}:{}: expected {}", path, number, expected));
  };
  RunRow row;
  const std::string_view seed = take_word(line, '\t');
  const auto [end, error] = std::from_chars(seed.data(), seed.data() + seed.size(), row.seed);
  if (seed.empty() || error != std::errc{} || end != seed.data() + seed.size()) {
    fail("a seed");
  }
  const auto outcome = outcome_named(take_word(line, '\t'));
  if (!outcome) {
    fail("an outcome behind the seed");
  }
  row.outcome = *outcome;
  for (std::string_view faults = take_word(line, '\t'); !faults.empty();) {
    const auto fault = parse_fault(take_word(faults, ','));
    if (!fault) {
      fail("FAULT:STATE behind the outcome");
    }
    row.faults.push_back(*fault);
  }
  row.signature = line;
  return row;
}

std::uint64_t read_rows(const std::string& path, const std::function<void(RunRow row)>& take) {
  if (!std::filesystem::exists(path)) {
    return 0;
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw trace::FileError(fmt::format("{}: cannot be opened; expected the results of a campaign", path));
  }
  std::uint64_t whole = 0;
  std::uint64_t number = 0;
  for (std::string line; std::getline(file, line) && !file.eof(); whole += line.size() + 1) {
    ++number;
    if (line.size() > kMostLine) {
      throw trace::FileError(fmt::format("{}:{}: expected a line of at most {} bytes", path, number, kMostLine));
    }
    take(parse_row(line, path, number));
  }
  return whole;
}

}  // namespace ringside::campaign
