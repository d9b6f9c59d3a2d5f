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
#include <string_view>

#include "testbench/trace/names.h"
#include "testbench/trace/toml_text.h"

namespace ringside::faults {
namespace {

constexpr std::size_t kMaxFileBytes = 1u << 20;
constexpr std::size_t kMaxFaults = 1000;
constexpr std::array<std::string_view, 7> kKeys = {"on", "nth", "queue", "unit", "action", "value", "name"};

constexpr std::array kActions = {
    ActionSummary{Action::removed, "removed", "the function is gone: reads are all-ones, writes and DMA are lost"},
    ActionSummary{Action::lost_doorbell, "lost-doorbell", "the next doorbell does not reach the device"},
    ActionSummary{Action::lost_interrupt, "lost-interrupt", "the next interrupt is not seen"},
    ActionSummary{Action::spurious_interrupt, "spurious-interrupt", "the next wait ends at once, with nothing done"},
    ActionSummary{Action::status_all_ones, "status-all-ones", "the next read of device_status gives 0xff"},
    ActionSummary{Action::needs_reset, "needs-reset", "DEVICE_NEEDS_RESET, and nothing more is done until the reset"},
    ActionSummary{Action::used_id, "used-id", "the newest used element names another id", true, 0, 0xffff'ffff},
    ActionSummary{Action::used_length, "used-length", "its length is another", true, 0, 0xffff'ffff},
    ActionSummary{Action::used_index, "used-index", "used.idx jumps ahead", true, 1, 0xffff},
    ActionSummary{Action::status_byte, "status-byte", "the newest used request's status byte is another", true, 0,
                  0xff}};

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
  names.reserve(std::size(kActions));
  for (const ActionSummary& action : kActions) {
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
    const auto* const found = std::find_if(kActions.begin(), kActions.end(),
                                           [&](const ActionSummary& action) { return action.name == name; });
    if (found == kActions.end()) {
      fail(path_, line_of(*table_.get("action")),
           fmt::format("action: \"{}\"; expected one of {}", name, names_of_actions()));
    }
    return *found;
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

std::span<const ActionSummary> all_actions() { return kActions; }

const ActionSummary& summary_of(Action action) { return kActions[static_cast<std::size_t>(action)]; }

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

}  // namespace ringside::faults
