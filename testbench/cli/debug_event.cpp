#include "testbench/cli/debug_event.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "testbench/faults/plan.h"
#include "testbench/targets/device_properties.h"
#include "testbench/targets/near_name.h"
#include "testbench/targets/target.h"
#include "testbench/trace/names.h"

namespace ringside::cli {
namespace {

constexpr char kSyntax[] = "expected KIND[:NTH][,queue=N][,unit=N]";
constexpr std::uint64_t kMostUnits = 0xfe;
constexpr std::uint64_t kMostQueues = 0xffff;

class EventReader {
 public:
  explicit EventReader(const std::string& text) : text_(text) {}

  trace::Event read() {
    const std::vector<std::string> pieces = targets::split_at_commas(text_);
    read_name(pieces.front());
    for (auto piece = pieces.begin() + 1; piece != pieces.end(); ++piece) {
      read_place(*piece);
    }
    return event_;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw targets::InputError(fmt::format("--debug={}: {}", text_, what));
  }

  std::uint64_t number(std::string_view what, std::string_view text, std::uint64_t least, std::uint64_t most) const {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < least || value > most) {
      fail(fmt::format("{} \"{}\"; expected a number from {} to {}", what, text, least, most));
    }
    return value;
  }

  void read_name(const std::string& piece) {
    const std::size_t colon = piece.find(':');
    event_.kind = kind(piece.substr(0, colon));
    if (colon != std::string::npos) {
      event_.nth = number("nth", std::string_view(piece).substr(colon + 1), 1, faults::kMostNth);
    }
  }

  trace::Kind kind(const std::string& name) const {
    if (name.empty()) {
      fail(kSyntax);
    }
    std::vector<std::string> names;
    for (const trace::Kind known : faults::trigger_kinds()) {
      names.emplace_back(trace::name_of(known));
    }
    const auto found = std::ranges::find(names, name);
    if (found == names.end()) {
      fail(fmt::format("unknown event \"{}\"{}; expected one of: {}", name, targets::suggestion(name, names),
                       fmt::join(names, ", ")));
    }
    return faults::trigger_kinds()[static_cast<std::size_t>(found - names.begin())];
  }

  void read_place(const std::string& piece) {
    const std::size_t equals = std::min(piece.find('='), piece.size());
    const std::string key = piece.substr(0, equals);
    const std::string_view value = std::string_view(piece).substr(std::min(equals + 1, piece.size()));
    const char* const name = trace::name_of(event_.kind);
    if (key == "queue" && trace::is_of_a_queue(event_.kind)) {
      event_.queue = static_cast<std::uint16_t>(number(key, value, 0, kMostQueues));
    } else if (key == "unit" && trace::is_of_a_unit(event_.kind)) {
      event_.unit = static_cast<std::uint8_t>(number(key, value, 0, kMostUnits));
    } else if (key == "queue" || key == "unit") {
      fail(fmt::format("{}: {} belongs to no {}", piece, name, key));
    } else {
      const std::vector<std::string> known{"queue", "unit"};
      fail(fmt::format("unknown \"{}\"{}; {}", key, targets::suggestion(key, known), kSyntax));
    }
  }

  const std::string& text_;
  trace::Event event_;
};

}  // namespace

trace::Event parse_event(const std::string& text) { return EventReader(text).read(); }

std::string describe(const trace::Event& event) {
  std::string text = fmt::format("{} {}", trace::name_of(event.kind), event.nth);
  if (trace::is_of_a_unit(event.kind)) {
    text += fmt::format(" of unit {}", event.unit);
  }
  if (trace::is_of_a_queue(event.kind)) {
    text += fmt::format(", queue {}", event.queue);
  }
  return text;
}

}  // namespace ringside::cli
