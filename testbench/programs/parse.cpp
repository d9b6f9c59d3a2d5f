#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <utility>

#include "testbench/programs/program.h"
#include "testbench/scenarios/context.h"
#include "testbench/scenarios/program_table.h"
#include "testbench/targets/near_name.h"
#include "testbench/trace/file_error.h"
#include "testbench/trace/toml_text.h"

namespace ringside::programs {
namespace {

using scenarios::Base;
using scenarios::OpRow;
using scenarios::Param;
using scenarios::ParamKind;
using scenarios::Step;

constexpr std::size_t kMaxFileBytes = 1u << 20;
constexpr std::size_t kMaxNameLength = 60;
constexpr std::size_t kMaxSummaryLength = 200;
constexpr std::size_t kMaxDeviceLength = 1000;
constexpr std::size_t kMaxDepth = 8;  // of brackets in each other: toml++ recurses, and nothing here needs more than 3
constexpr std::array<std::string_view, 8> kKeys = {"program", "summary",      "clause", "machine",
                                                   "devices", "disk_sectors", "steps",  "found"};
constexpr std::size_t kMostFoundLists = 64;
constexpr std::pair<std::string_view, std::string Finding::*> kFoundTexts[] = {
    {"left", &Finding::left},       {"right", &Finding::right},         {"machine", &Finding::machine},
    {"waivers", &Finding::waivers}, {"signature", &Finding::signature}, {"version", &Finding::version}};
constexpr std::pair<std::string_view, std::vector<std::string> Finding::*> kFoundLists[] = {
    {"devices", &Finding::devices}, {"disks", &Finding::disks}, {"settings", &Finding::settings}};
constexpr std::uint64_t kMostDiskSectors = std::uint64_t{1} << 40;

std::uint32_t line_of(const toml::node& node) { return node.source().begin.line; }

// Where in a file something is wrong.
class Place {
 public:
  explicit Place(const std::string& path) : path_(path) {}
  [[noreturn]] void fail(std::uint32_t line, const std::string& what) const {
    throw trace::FileError(fmt::format("{}:{}: {}", path_, line, what));
  }
  [[noreturn]] void fail(const toml::node& node, const std::string& what) const { fail(line_of(node), what); }

 private:
  const std::string& path_;
};

// " (did you mean ...?)", or all of them when none is near.
std::string expected_of(std::string_view word, const std::vector<std::string>& names) {
  const std::string near = targets::suggestion(word, names);
  return near.empty() ? fmt::format("; expected one of {}", fmt::join(names, ", ")) : near;
}

std::vector<std::string> names_of(const scenarios::Words& words) {
  std::vector<std::string> names;
  for (const scenarios::Word& word : words) {
    names.emplace_back(word.name);
  }
  return names;
}

const scenarios::Word* find_word(const scenarios::Words& words, std::string_view name) {
  const auto* const found =
      std::find_if(words.begin(), words.end(), [&](const auto& word) { return name == word.name; });
  return found == words.end() ? nullptr : found;
}

// "123" or "0x7b", whole.
std::optional<std::uint64_t> number_in(std::string_view text) {
  const bool hex = text.starts_with("0x");
  const std::string_view digits = hex ? text.substr(2) : text;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
  return error == std::errc{} && end == digits.data() + digits.size() ? std::optional(value) : std::nullopt;
}

std::optional<std::uint64_t> number_in(const toml::node& node) {
  if (const auto* const integer = node.as_integer(); integer != nullptr && integer->get() >= 0) {
    return static_cast<std::uint64_t>(integer->get());
  }
  const auto* const text = node.as_string();
  return text != nullptr && text->get().starts_with("0x") ? number_in(text->get()) : std::nullopt;
}

// One inline table of `steps`.
class StepReader {
 public:
  StepReader(const toml::table& table, const Place& place) : table_(table), place_(place) {}

  Step read() {
    const OpRow& row = find_row();
    Step step = scenarios::step_of(row.op);
    for (const auto& [key, value] : table_) {
      if (key.str() != "do") {
        take(param(row, key.str(), value), value, step);
      }
    }
    for (const Param& param : row) {
      if (param.required && !table_.contains(param.name)) {
        place_.fail(table_, fmt::format("step \"{}\" without {}; expected {}", row.name, param.name, wanted(param)));
      }
    }
    return step;
  }

 private:
  const OpRow& find_row() const {
    const toml::node* const node = table_.get("do");
    const auto* const name = node == nullptr ? nullptr : node->as_string();
    if (name == nullptr) {
      place_.fail(node == nullptr ? static_cast<const toml::node&>(table_) : *node,
                  "a step without do; expected {do = \"NAME\", ...}");
    }
    std::vector<std::string> names;
    for (const OpRow& row : scenarios::all_ops()) {
      if (name->get() == row.name) {
        return row;
      }
      names.emplace_back(row.name);
    }
    place_.fail(*node, fmt::format("unknown step \"{}\"{}", name->get(), expected_of(name->get(), names)));
  }

  const Param& param(const OpRow& row, std::string_view name, const toml::node& node) const {
    std::vector<std::string> names;
    for (const Param& candidate : row) {
      if (name == candidate.name) {
        return candidate;
      }
      names.emplace_back(candidate.name);
    }
    if (names.empty()) {
      place_.fail(node, fmt::format("step \"{}\": unknown \"{}\"; expected nothing but do", row.name, name));
    }
    place_.fail(node, fmt::format("step \"{}\": unknown \"{}\"{}", row.name, name, expected_of(name, names)));
  }

  void take(const Param& param, const toml::node& node, Step& step) const {
    const auto bit = static_cast<std::uint16_t>(1u << param.slot);
    if ((step.given & bit) != 0) {
      place_.fail(node, fmt::format("{}: expected it, or the other name of the same, once", param.name));
    }
    step.given = static_cast<std::uint16_t>(step.given | bit);
    if (param.kind == ParamKind::address) {
      take_address(param, node, step);
    } else {
      step.args[param.slot] = value_of(param, node);
    }
  }

  std::uint64_t value_of(const Param& param, const toml::node& node) const {
    switch (param.kind) {
      case ParamKind::boolean:
        if (const auto* const boolean = node.as_boolean(); boolean != nullptr) {
          return boolean->get() ? 1 : 0;
        }
        fail(param, node);
      case ParamKind::choice:
        return choice_of(param, node);
      case ParamKind::bits:
        return bits_of(param, node);
      default:
        return number_of(param, node);
    }
  }

  std::uint64_t number_of(const Param& param, const toml::node& node) const {
    const auto number = number_in(node);
    if (!number.has_value() || *number > param.most) {
      fail(param, node);
    }
    return *number;
  }

  std::uint64_t choice_of(const Param& param, const toml::node& node) const {
    if (param.most != 0 && number_in(node).has_value()) {
      return number_of(param, node);
    }
    const auto* const name = node.as_string();
    if (name == nullptr) {
      fail(param, node);
    }
    const scenarios::Word* const word = find_word(param.words, name->get());
    if (word == nullptr) {
      unknown_word(param, name->get(), node);
    }
    return word->value;
  }

  std::uint64_t bits_of(const Param& param, const toml::node& node) const {
    const toml::array* const list = node.as_array();
    if (list == nullptr) {
      return number_of(param, node);
    }
    std::uint64_t bits = 0;
    for (const toml::node& entry : *list) {
      const auto* const name = entry.as_string();
      if (name == nullptr) {
        fail(param, entry);
      }
      const scenarios::Word* const word = find_word(param.words, name->get());
      if (word == nullptr) {
        unknown_word(param, name->get(), entry);
      }
      bits |= std::uint64_t{1} << word->value;
    }
    return bits;
  }

  // "buffer:3", "buffer:3+16", "used:0-0x8", or a number.
  void take_address(const Param& param, const toml::node& node, Step& step) const {
    if (const auto number = number_in(node); number.has_value()) {
      step.args[param.slot] = *number;
      return;
    }
    const auto* const text = node.as_string();
    if (text == nullptr || !read_address(text->get(), step.args[param.slot], step.args[param.slot + 1])) {
      fail(param, node);
    }
  }

  static bool read_address(std::string_view text, std::uint64_t& number, std::uint64_t& base) {
    constexpr std::array kBases = {std::pair{"buffer:", Base::buffer}, std::pair{"desc:", Base::descriptors},
                                   std::pair{"avail:", Base::available}, std::pair{"used:", Base::used}};
    for (const auto& [prefix, kind] : kBases) {
      if (!text.starts_with(prefix)) {
        continue;
      }
      text.remove_prefix(std::strlen(prefix));
      const std::size_t sign = text.find_first_of("+-");
      const auto which = number_in(text.substr(0, sign));
      const auto offset =
          sign == std::string_view::npos ? std::optional<std::uint64_t>(0) : number_in(text.substr(sign + 1));
      const std::uint64_t most = kind == Base::buffer ? scenarios::kMostBuffers - 1 : block::kMaxQueues - 1;
      if (!which.has_value() || *which > most || !offset.has_value()) {
        return false;
      }
      number = sign != std::string_view::npos && text[sign] == '-' ? 0 - *offset : *offset;
      base = scenarios::base_word(kind, static_cast<std::uint32_t>(*which));
      return true;
    }
    return false;
  }

  static std::string wanted(const Param& param) {
    const std::string most = param.most == ~std::uint64_t{0} ? "" : fmt::format(" from 0 to {}", param.most);
    switch (param.kind) {
      case ParamKind::boolean:
        return "true or false";
      case ParamKind::choice:
        return fmt::format("one of {}{}", fmt::join(names_of(param.words), ", "),
                           param.most != 0 ? " or a number" + most : "");
      case ParamKind::bits:
        return fmt::format("a number{}, or a list of {}", most, fmt::join(names_of(param.words), ", "));
      case ParamKind::address:
        return "a number, or \"buffer:N+OFFSET\", \"desc:QUEUE\", \"avail:QUEUE\", \"used:QUEUE\"";
      default:
        return fmt::format("a number{}", most);
    }
  }

  [[noreturn]] void fail(const Param& param, const toml::node& node) const {
    place_.fail(node, fmt::format("{}: expected {}", param.name, wanted(param)));
  }
  [[noreturn]] void unknown_word(const Param& param, const std::string& word, const toml::node& node) const {
    place_.fail(node, fmt::format("{}: unknown \"{}\"{}", param.name, word, expected_of(word, names_of(param.words))));
  }

  const toml::table& table_;
  const Place& place_;
};

class ProgramReader {
 public:
  ProgramReader(const toml::table& document, const std::string& path) : document_(document), place_(path) {
    program_.file = path;
  }

  Program read() {
    refuse_unknown_keys();
    read_version();
    program_.name = name_of(program_.file);
    program_.summary = text("summary", kMaxSummaryLength, true);
    program_.clause = text("clause", kMaxSummaryLength, false);
    read_machine();
    read_devices();
    read_disk_sectors();
    read_steps();
    read_found();
    return std::move(program_);
  }

 private:
  void refuse_unknown_keys() const {
    for (const auto& [key, value] : document_) {
      if (std::ranges::find(kKeys, key.str()) == kKeys.end()) {
        place_.fail(value, fmt::format("unknown key \"{}\"{}", key.str(),
                                       expected_of(key.str(), {kKeys.begin(), kKeys.end()})));
      }
    }
  }

  void read_version() const {
    const toml::node* const node = document_.get("program");
    if (node == nullptr) {
      place_.fail(1, fmt::format("no scenario file; expected program = {}", kProgramVersion));
    }
    if (number_in(*node) != kProgramVersion) {
      place_.fail(*node, fmt::format("program: expected {}, the version of the format that this program reads",
                                     kProgramVersion));
    }
  }

  std::string name_of(const std::string& path) const {
    std::string stem = std::filesystem::path(path).stem().string();
    const auto plain = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
             c == '.';
    };
    if (stem.empty() || stem.size() > kMaxNameLength || !std::ranges::all_of(stem, plain)) {
      place_.fail(1, fmt::format("the file's name names the scenario; expected at most {} letters, digits, \"-\", "
                                 "\"_\" and \".\" before .toml",
                                 kMaxNameLength));
    }
    return stem;
  }

  std::string text(std::string_view key, std::size_t most, bool required) const {
    const toml::node* const node = document_.get(key);
    if (node == nullptr && !required) {
      return {};
    }
    if (node == nullptr) {
      place_.fail(1, fmt::format("no {}; expected {} = \"...\"", key, key));
    }
    return line_in(*node, key, most);
  }

  std::string line_in(const toml::node& node, std::string_view key, std::size_t most) const {
    const auto* const found = node.as_string();
    if (found == nullptr || found->get().empty() || found->get().size() > most ||
        std::ranges::any_of(found->get(), [](char c) { return static_cast<unsigned char>(c) < ' '; })) {
      place_.fail(node, fmt::format("{}: expected one line of at most {} characters", key, most));
    }
    return found->get();
  }

  void read_machine() {
    program_.machine = text("machine", kMaxSummaryLength, false);
    if (!program_.machine.empty() && program_.machine != "pc" && program_.machine != "q35") {
      place_.fail(*document_.get("machine"), "machine: expected \"pc\" or \"q35\"");
    }
  }

  void read_devices() {
    const toml::node* const node = document_.get("devices");
    if (node == nullptr) {
      return;
    }
    const toml::array* const list = node->as_array();
    if (list == nullptr || list->size() > scenarios::kMostDisks) {
      place_.fail(*node,
                  fmt::format("devices: expected a list of at most {} texts, one a disk", scenarios::kMostDisks));
    }
    for (const toml::node& entry : *list) {
      const auto* const found = entry.as_string();
      if (found == nullptr || found->get().size() > kMaxDeviceLength || found->get().find('\0') != std::string::npos) {
        place_.fail(entry, "devices: expected properties of a disk, such as \"packed=on\"");
      }
      program_.devices.push_back(found->get());
    }
  }

  void read_disk_sectors() {
    if (const toml::node* const node = document_.get("disk_sectors"); node != nullptr) {
      const auto number = number_in(*node);
      if (!number.has_value() || *number == 0 || *number > kMostDiskSectors) {
        place_.fail(*node, fmt::format("disk_sectors: expected a number from 1 to {}", kMostDiskSectors));
      }
      program_.disk_sectors = *number;
    }
  }

  void read_steps() {
    const toml::node* const node = document_.get("steps");
    const toml::array* const list = node == nullptr ? nullptr : node->as_array();
    if (list == nullptr || list->empty() || list->size() > scenarios::kMostSteps) {
      place_.fail(
          node == nullptr ? 1 : line_of(*node),
          fmt::format("steps: expected a list of 1 to {} steps, {{do = \"NAME\", ...}}", scenarios::kMostSteps));
    }
    for (const toml::node& entry : *list) {
      const toml::table* const table = entry.as_table();
      if (table == nullptr) {
        place_.fail(entry, "steps: expected {do = \"NAME\", ...}");
      }
      program_.steps.push_back(StepReader(*table, place_).read());
      program_.steps.back().line = line_of(entry);
    }
  }

  void read_found() {
    const toml::node* const node = document_.get("found");
    if (node == nullptr) {
      return;
    }
    const toml::table* const table = node->as_table();
    if (table == nullptr) {
      place_.fail(*node, "found: expected {left = \"TARGET\", right = \"TARGET\", ...}");
    }
    program_.found.emplace();
    for (const auto& [key, value] : *table) {
      take_found(key.str(), value, *program_.found);
    }
  }

  void take_found(std::string_view key, const toml::node& node, Finding& found) const {
    std::vector<std::string> names{"seed"};
    for (const auto& [name, member] : kFoundTexts) {
      if (name == key) {
        found.*member = line_in(node, key, kMaxDeviceLength);
        return;
      }
      names.emplace_back(name);
    }
    for (const auto& [name, member] : kFoundLists) {
      if (name == key) {
        found.*member = lines_in(node, key);
        return;
      }
      names.emplace_back(name);
    }
    const auto number = number_in(node);
    if (key != "seed") {
      place_.fail(node, fmt::format("found: unknown \"{}\"{}", key, expected_of(key, names)));
    }
    if (!number.has_value()) {
      place_.fail(node, "seed: expected a number");
    }
    found.seed = *number;
  }

  std::vector<std::string> lines_in(const toml::node& node, std::string_view key) const {
    const toml::array* const list = node.as_array();
    if (list == nullptr || list->size() > kMostFoundLists) {
      place_.fail(node, fmt::format("{}: expected a list of at most {} texts", key, kMostFoundLists));
    }
    std::vector<std::string> lines;
    for (const toml::node& entry : *list) {
      lines.push_back(line_in(entry, key, kMaxDeviceLength));
    }
    return lines;
  }

  const toml::table& document_;
  Place place_;
  Program program_;
};

std::string read_file(const std::string& path) {
  std::error_code error;
  if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error)) {
    throw trace::FileError(fmt::format("{}: not a regular file; expected a scenario file (.toml)", path));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw trace::FileError(fmt::format("{}: cannot be opened: {}", path, std::strerror(errno)));
  }
  std::string text(kMaxFileBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) {
    throw trace::FileError(fmt::format("{}: cannot be read; expected a scenario file", path));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

void refuse_depth(const std::string& text, const std::string& path) {
  std::size_t depth = 0;
  std::uint32_t line = 1;
  for (const char c : text) {
    line += c == '\n' ? 1 : 0;
    depth += c == '[' || c == '{' ? 1 : 0;
    depth -= (c == ']' || c == '}') && depth != 0 ? 1 : 0;
    if (depth > kMaxDepth) {
      Place(path).fail(line, fmt::format("brackets more than {} deep; expected a list of plain steps", kMaxDepth));
    }
  }
}

}  // namespace

Program load_program(const std::string& path) { return parse_program(read_file(path), path); }

Program parse_program(const std::string& text, const std::string& path) {
  if (text.size() > kMaxFileBytes) {
    throw trace::FileError(fmt::format("{}: expected a scenario file of at most {} bytes", path, kMaxFileBytes));
  }
  refuse_depth(text, path);
  trace::require_toml_text(text, path);
  toml::table document;
  try {
    document = toml::parse(text, path);
  } catch (const toml::parse_error& problem) {
    Place(path).fail(problem.source().begin.line, std::string(problem.description()));
  }
  return ProgramReader(document, path).read();
}

}  // namespace ringside::programs
