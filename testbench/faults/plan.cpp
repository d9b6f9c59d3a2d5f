#include "testbench/faults/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>

#include "testbench/trace/names.h"
#include "testbench/trace/toml_text.h"

namespace ringside::faults {
namespace {

constexpr std::size_t kMaxFileBytes = 1u << 20;
constexpr std::size_t kMaxFaults = 1000;
constexpr std::array<std::string_view, 10> kKeys = {"on",    "nth",   "queue",  "unit",    "action",
                                                    "value", "times", "sector", "request", "name"};

constexpr std::array<std::string_view, 4> kRequestNames = {"any", "read", "write", "flush"};
constexpr std::uint64_t kMostTimes = 1'000'000'000;
constexpr std::uint64_t kMostSector = std::uint64_t{1} << 53;

[[noreturn]] void fail(const std::string& path, std::uint64_t line, const std::string& what) {
  throw trace::FileError(fmt::format("{}:{}: {}", path, line, what));
}

std::uint64_t line_of(const toml::node& node) { return node.source().begin.line; }

// Fences and single accesses are recorded only on request.
bool can_trigger(trace::Kind kind) { return kind >= trace::Kind::config_read && kind < trace::Kind::fence; }

std::vector<trace::Kind> make_trigger_kinds() {
  std::vector<trace::Kind> kinds;
  for (unsigned number = 0; number <= 0xff; ++number) {
    const auto kind = static_cast<trace::Kind>(number);
    if (can_trigger(kind) && trace::name_of(kind) != nullptr) {
      kinds.push_back(kind);
    }
  }
  return kinds;
}

std::optional<trace::Kind> kind_named(std::string_view name) {
  const auto kinds = trigger_kinds();
  const auto found = std::ranges::find(kinds, name, [](trace::Kind kind) { return std::string_view(name_of(kind)); });
  return found == kinds.end() ? std::nullopt : std::optional(*found);
}

std::string names_of_kinds() {
  std::vector<std::string_view> names;
  for (const trace::Kind kind : trigger_kinds()) {
    names.emplace_back(trace::name_of(kind));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string names_of_actions() {
  std::vector<std::string_view> names;
  for (const ActionSummary& action : all_actions()) {
    names.emplace_back(action.name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

// One [[fault]] of the file.
class TableReader {
 public:
  TableReader(const toml::table& table, const std::string& path) : table_(table), path_(path) {}

  Fault read() {
    refuse_unknown_keys();
    Fault fault;
    fault.kind = kind();
    fault.nth = number("nth", 1, kMostNth).value_or(1);
    fault.unit = static_cast<std::uint8_t>(number("unit", 0, 0xfe).value_or(0));
    fault.queue = static_cast<std::uint16_t>(number("queue", 0, 0xffff).value_or(0));
    const ActionSummary& action = this->action();
    fault.action = action.action;
    fault.value = value_for(action);
    read_choice(fault, action);
    fault.name = table_.contains("name") ? text("name", "a name in quotes") : action.name;
    return fault;
  }

 private:
  void refuse_unknown_keys() {
    for (const auto& [key, value] : table_) {
      if (std::find(kKeys.begin(), kKeys.end(), key.str()) == kKeys.end()) {
        fail(path_, line_of(value),
             fmt::format("unknown key \"{}\"; expected one of {}", key.str(), fmt::join(kKeys, ", ")));
      }
    }
  }

  std::string text(std::string_view key, std::string_view expected) {
    const toml::node* const node = table_.get(key);
    if (node == nullptr) {
      fail(path_, line_of(table_), fmt::format("a fault without \"{}\"; expected {}", key, expected));
    }
    if (!node->is_string() || node->as_string()->get().empty()) {
      fail(path_, line_of(*node), fmt::format("{}: expected {}", key, expected));
    }
    return node->as_string()->get();
  }

  std::optional<std::uint64_t> number(std::string_view key, std::uint64_t least, std::uint64_t most) {
    const toml::node* const node = table_.get(key);
    if (node == nullptr) {
      return std::nullopt;
    }
    const std::int64_t found = node->is_integer() ? node->as_integer()->get() : -1;
    if (found < 0 || static_cast<std::uint64_t>(found) < least || static_cast<std::uint64_t>(found) > most) {
      fail(path_, line_of(*node), fmt::format("{}: expected a number from {} to {}", key, least, most));
    }
    return static_cast<std::uint64_t>(found);
  }

  trace::Kind kind() {
    const std::string name = text("on", "a kind of record, such as \"doorbell\"");
    const auto kind = kind_named(name);
    if (!kind.has_value()) {
      fail(path_, line_of(*table_.get("on")), fmt::format("on: \"{}\"; expected one of {}", name, names_of_kinds()));
    }
    return *kind;
  }

  const ActionSummary& action() {
    const std::string name = text("action", "what happens, such as \"removed\"");
    const auto found =
        std::ranges::find_if(all_actions(), [&](const ActionSummary& action) { return action.name == name; });
    if (found == all_actions().end()) {
      fail(path_, line_of(*table_.get("action")),
           fmt::format("action: \"{}\"; expected one of {}", name, names_of_actions()));
    }
    return *found;
  }

  // Which opportunities, of the actions that can choose.
  void read_choice(Fault& fault, const ActionSummary& action) {
    const bool media = action.fault_class == FaultClass::media;
    for (const char* const key : {"times", "sector", "request"}) {
      const bool chooses = media || (key == std::string_view("times") && happens_in_device(action.action));
      if (const toml::node* const node = table_.get(key); node != nullptr && !chooses) {
        fail(path_, line_of(*node), fmt::format("{}: expected none, \"{}\" does not choose by it", key, action.name));
      }
    }
    fault.times = static_cast<std::uint32_t>(number("times", 1, kMostTimes).value_or(1));
    fault.sector = number("sector", 0, kMostSector);
    fault.request = request();
  }

  RequestKind request() {
    if (!table_.contains("request")) {
      return RequestKind::any;
    }
    const std::string name = text("request", "\"read\", \"write\" or \"flush\"");
    const auto* const found = std::ranges::find(kRequestNames, name);
    if (found == kRequestNames.end()) {
      fail(path_, line_of(*table_.get("request")),
           fmt::format("request: \"{}\"; expected one of {}", name, fmt::join(kRequestNames, ", ")));
    }
    return static_cast<RequestKind>(found - kRequestNames.begin());
  }

  std::uint32_t value_for(const ActionSummary& action) {
    if (!action.takes_value) {
      if (const toml::node* const node = table_.get("value"); node != nullptr) {
        fail(path_, line_of(*node), fmt::format("value: expected none, \"{}\" takes no value", action.name));
      }
      return 0;
    }
    const auto value = number("value", action.least, action.most);
    if (!value.has_value()) {
      fail(
          path_, line_of(table_),
          fmt::format("\"{}\" without value; expected a number from {} to {}", action.name, action.least, action.most));
    }
    return static_cast<std::uint32_t>(*value);
  }

  const toml::table& table_;
  const std::string& path_;
};

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw trace::FileError(fmt::format("{}: cannot be opened: {}", path, std::strerror(errno)));
  }
  std::string text(kMaxFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof())) {
    throw trace::FileError(fmt::format("{}: cannot be read; expected a fault plan", path));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kMaxFileBytes) {
    throw trace::FileError(fmt::format("{}: expected a fault plan of at most {} bytes", path, kMaxFileBytes));
  }
  return text;
}

}  // namespace

std::span<const trace::Kind> trigger_kinds() {
  static const std::vector<trace::Kind> kinds = make_trigger_kinds();
  return kinds;
}

Plan load_plan(const std::string& path) { return parse_plan(read_file(path), path); }

Plan parse_plan(const std::string& text, const std::string& path) {
  trace::require_toml_text(text, path);
  toml::table document;
  try {
    document = toml::parse(text, path);
  } catch (const toml::parse_error& problem) {
    fail(path, problem.source().begin.line, std::string(problem.description()));
  }
  Plan plan;
  plan.path = path;
  for (const auto& [key, value] : document) {
    const toml::array* const list = value.as_array();
    if (key.str() != "fault" || list == nullptr || (!list->empty() && !list->is_homogeneous<toml::table>())) {
      fail(path, line_of(value), fmt::format("\"{}\"; expected nothing but [[fault]]", key.str()));
    }
    if (list->size() > kMaxFaults) {
      fail(path, line_of(value), fmt::format("{} faults; expected at most {}", list->size(), kMaxFaults));
    }
    for (const toml::node& entry : *list) {
      plan.faults.push_back(TableReader(*entry.as_table(), path).read());
    }
  }
  if (plan.faults.empty()) {
    fail(path, 1, "a plan without faults; expected at least one [[fault]]");
  }
  return plan;
}

std::string to_toml(const Plan& plan) {
  std::string text;
  for (const Fault& fault : plan.faults) {
    const ActionSummary& action = summary_of(fault.action);
    toml::table table;
    table.insert("on", trace::name_of(fault.kind));
    table.insert("action", action.name);
    const auto number = [&table](const char* key, std::uint64_t value, bool said) {
      if (said) {
        table.insert(key, static_cast<std::int64_t>(value));
      }
    };
    number("nth", fault.nth, fault.nth != 1);
    number("queue", fault.queue, fault.queue != 0);
    number("unit", fault.unit, fault.unit != 0);
    number("value", fault.value, action.takes_value);
    number("times", fault.times, fault.times != 1);
    number("sector", fault.sector.value_or(0), fault.sector.has_value());
    if (fault.request != RequestKind::any) {
      table.insert("request", kRequestNames[static_cast<std::size_t>(fault.request)]);
    }
    if (!fault.name.empty() && fault.name != action.name) {
      table.insert("name", fault.name);
    }
    std::ostringstream out;
    out << toml::toml_formatter(table, toml::format_flags::none);
    text += fmt::format("{}[[fault]]\n{}\n", text.empty() ? "" : "\n", out.str());
  }
  return text;
}

std::string gap_on(unsigned target, const Plan& plan) {
  for (const Fault& fault : plan.faults) {
    if ((summary_of(fault.action).where & target) == 0) {
      return fmt::format("{} happens inside the model, where another device does not let anybody in",
                         summary_of(fault.action).name);
    }
  }
  return {};
}

unsigned harm_of(const Plan& plan) {
  unsigned harm = 0;
  for (const Fault& fault : plan.faults) {
    harm |= summary_of(fault.action).harm;
  }
  return harm;
}

}  // namespace ringside::faults
