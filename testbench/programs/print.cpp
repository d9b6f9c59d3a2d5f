#include <fmt/core.h>

#include <string>
#include <utility>
#include <vector>

#include "testbench/programs/program.h"
#include "testbench/scenarios/program_table.h"
#include "testbench/trace/toml_quoted.h"

namespace ringside::programs {
namespace {

using scenarios::Base;
using scenarios::OpRow;
using scenarios::Param;
using scenarios::ParamKind;
using scenarios::Step;

constexpr std::uint64_t kMostInteger = 0x7fff'ffff'ffff'ffff;  // TOML's integers are signed

std::string number_text(std::uint64_t value) {
  return value > kMostInteger ? fmt::format("\"{:#x}\"", value) : fmt::format("{}", value);
}

std::string choice_text(const Param& param, std::uint64_t value) {
  for (const scenarios::Word& word : param.words) {
    if (word.value == value) {
      return fmt::format("\"{}\"", word.name);
    }
  }
  return number_text(value);
}

// By names where there is one for each bit.
std::string bits_text(const Param& param, std::uint64_t value) {
  std::string names;
  std::uint64_t named = 0;
  for (const scenarios::Word& word : param.words) {
    const std::uint64_t bit = std::uint64_t{1} << word.value;
    if ((value & bit) != 0) {
      named |= bit;
      names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", word.name);
    }
  }
  return named == value ? "[" + names + "]" : fmt::format("\"{:#x}\"", value);
}

std::string address_text(std::uint64_t number, std::uint64_t base) {
  const auto which = static_cast<std::uint32_t>(base);
  const char* const name = [&] {
    switch (static_cast<Base>(base >> 32)) {
      case Base::buffer:
        return "buffer";
      case Base::descriptors:
        return "desc";
      case Base::available:
        return "avail";
      default:
        return "used";
    }
  }();
  if (number == 0) {
    return fmt::format("\"{}:{}\"", name, which);
  }
  return number > kMostInteger ? fmt::format("\"{}:{}-{}\"", name, which, 0 - number)
                               : fmt::format("\"{}:{}+{}\"", name, which, number);
}

std::string value_text(const Param& param, const Step& step) {
  const std::uint64_t value = step.args[param.slot];
  switch (param.kind) {
    case ParamKind::boolean:
      return value != 0 ? "true" : "false";
    case ParamKind::choice:
      return choice_text(param, value);
    case ParamKind::bits:
      return bits_text(param, value);
    case ParamKind::address:
      return step.args[param.slot + 1] == 0 ? number_text(value) : address_text(value, step.args[param.slot + 1]);
    default:
      return number_text(value);
  }
}

// Two names for one slot, a number's and an address's: the one that says what is there.
bool is_said(const OpRow& row, const Param& param, const Step& step) {
  if ((step.given >> param.slot & 1) == 0) {
    return false;
  }
  for (const Param& other : row) {
    if (&other != &param && other.slot == param.slot) {
      return (param.kind == ParamKind::address) == (step.args[param.slot + 1] != 0);
    }
  }
  return true;
}

std::string step_text(const Step& step) {
  const OpRow* const row = scenarios::row_of(step.op);
  if (row == nullptr) {
    return {};
  }
  std::string text = fmt::format("{{do = \"{}\"", row->name);
  for (const Param& param : *row) {
    if (is_said(*row, param, step)) {
      text += fmt::format(", {} = {}", param.name, value_text(param, step));
    }
  }
  return text + "}";
}

std::string list_text(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : ", ") + trace::toml_quoted(word);
  }
  return "[" + text + "]";
}

std::string found_text(const Finding& found) {
  std::string text = fmt::format("{{left = {}, right = {}, seed = {}", trace::toml_quoted(found.left),
                                 trace::toml_quoted(found.right), number_text(found.seed));
  const std::pair<const char*, const std::string&> lines[] = {{"machine", found.machine},
                                                              {"waivers", found.waivers},
                                                              {"signature", found.signature},
                                                              {"version", found.version}};
  for (const auto& [name, line] : lines) {
    text += line.empty() ? "" : fmt::format(", {} = {}", name, trace::toml_quoted(line));
  }
  const std::pair<const char*, const std::vector<std::string>&> lists[] = {
      {"devices", found.devices}, {"disks", found.disks}, {"settings", found.settings}};
  for (const auto& [name, list] : lists) {
    text += list.empty() ? "" : fmt::format(", {} = {}", name, list_text(list));
  }
  return text + "}";
}

}  // namespace

std::string print_program(const Program& program) {
  std::string text = fmt::format("program = {}\nsummary = {}\n", kProgramVersion, trace::toml_quoted(program.summary));
  if (!program.clause.empty()) {
    text += fmt::format("clause = {}\n", trace::toml_quoted(program.clause));
  }
  if (!program.machine.empty()) {
    text += fmt::format("machine = {}\n", trace::toml_quoted(program.machine));
  }
  if (!program.devices.empty()) {
    text += fmt::format("devices = {}\n", list_text(program.devices));
  }
  if (program.disk_sectors != 0) {
    text += fmt::format("disk_sectors = {}\n", program.disk_sectors);
  }
  if (program.found) {
    text += fmt::format("found = {}\n", found_text(*program.found));
  }
  text += "steps = [\n";
  for (const Step& step : program.steps) {
    text += "  " + step_text(step) + ",\n";
  }
  return text + "]\n";
}

}  // namespace ringside::programs
