#include "testbench/targets/qemu_qtest.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "testbench/targets/harness.h"

namespace ringside::targets {
namespace {

// Few enough that their answers always fit in the socket: QEMU never blocks on us while we block on it.
constexpr std::size_t kMaxOpen = 64;
constexpr std::size_t kShownLine = 80;
constexpr std::uint64_t kIoapicInputs = 24;

std::optional<std::uint64_t> parse_number(std::string_view text, int base) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
    return std::nullopt;
  }
  return value;
}

// Only what can be shown on a terminal, and not too much of it.
std::string shown(std::string_view line) {
  std::string text(line.substr(0, kShownLine));
  std::ranges::replace_if(
      text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

bool is_read(std::string_view command) { return command.starts_with("in") || command.starts_with("read"); }

}  // namespace

Qtest::Qtest(QemuProcess& process, LineChannel channel, const RunClock& clock, LineListener& listener)
    : process_(process), channel_(std::move(channel)), clock_(clock), listener_(listener) {}

std::uint64_t Qtest::read(std::string_view command, std::uint64_t address) {
  if (recording_ != nullptr) {
    recording_->before_command();
  }
  send(fmt::format("{} {:#x}", command, address));
  collect_answers(0);
  if (recording_ != nullptr) {
    recording_->read(command, address, value_);
  }
  return value_;
}

void Qtest::write(std::string_view command, std::uint64_t address, std::uint64_t value) {
  if (recording_ != nullptr) {
    recording_->before_command();
    send(fmt::format("{} {:#x} {:#x}", command, address, value));
    collect_answers(0);
    recording_->wrote(command, address, value);
    return;
  }
  send(fmt::format("{} {:#x} {:#x}", command, address, value));
  if (open_.size() >= kMaxOpen) {
    collect_answers(kMaxOpen / 2);
  }
}

void Qtest::intercept_lines() {
  send("irq_intercept_in ioapic");
  collect_answers(0);
}

void Qtest::poll() {
  clock_.check();
  try {
    while (const auto line = channel_.poll_line()) {
      take(*line);
    }
  } catch (const ChannelError& problem) {
    fail(problem.what());
  }
}

void Qtest::fail(const std::string& what) {
  clock_.check();  // if the time of the run is up, that is the reason
  const std::string asked = open_.empty() ? "" : fmt::format(" after \"{}\"", open_.front());
  throw RunAborted(process_.obituary(what + asked));
}

void Qtest::send(std::string command) {
  try {
    channel_.send(command + '\n', clock_.answer_deadline());
  } catch (const ChannelError& problem) {
    fail(problem.what());
  }
  open_.push_back(std::move(command));
}

void Qtest::collect_answers(std::size_t left_open) {
  const TimePoint deadline = clock_.answer_deadline();
  try {
    while (open_.size() > left_open) {
      take(channel_.read_line(deadline));
    }
  } catch (const ChannelError& problem) {
    fail(problem.what());
  }
}

void Qtest::take(std::string_view line) {
  if (line.starts_with("IRQ ")) {
    take_line_change(line);
  } else {
    take_answer(line);
  }
}

void Qtest::take_line_change(std::string_view line) {
  constexpr std::string_view kRaise = "IRQ raise ";
  constexpr std::string_view kLower = "IRQ lower ";
  static_assert(kRaise.size() == kLower.size());
  const bool high = line.starts_with(kRaise);
  const auto number = high || line.starts_with(kLower) ? parse_number(line.substr(kRaise.size()), 10) : std::nullopt;
  if (!number || *number >= kIoapicInputs) {
    fail(fmt::format("sent \"{}\"", shown(line)));
  }
  listener_.line_changed(static_cast<unsigned>(*number), high);
}

void Qtest::take_answer(std::string_view line) {
  if (open_.empty()) {
    fail(fmt::format("sent \"{}\" unasked", shown(line)));
  }
  constexpr std::string_view kValue = "OK 0x";
  const auto value = line.starts_with(kValue) ? parse_number(line.substr(kValue.size()), 16) : std::nullopt;
  if (is_read(open_.front()) ? !value : line != "OK") {
    fail(fmt::format("answered \"{}\"", shown(line)));
  }
  value_ = value.value_or(0);
  open_.pop_front();
}

}  // namespace ringside::targets
