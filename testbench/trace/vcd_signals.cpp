#include "testbench/trace/vcd_signals.h"

#include <fmt/format.h>

#include <iterator>

namespace ringside::trace {
namespace {

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

// A string value ends at the first space.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte <= 0x20 || byte >= 0x7f || byte == '\\') {
      fmt::format_to(std::back_inserter(result), "\\x{:02x}", byte);
    } else {
      result.push_back(character);
    }
  }
  return result;
}

}  // namespace

void VcdSignals::header(std::string_view comment) {
  out_ << "$comment " << escaped(comment) << " $end\n$version Ringside $end\n$timescale 1 ns $end\n";
}

void VcdSignals::open_scope(std::string_view name) { out_ << "$scope module " << name << " $end\n"; }

void VcdSignals::close_scope() { out_ << "$upscope $end\n"; }

VcdSignals::Id VcdSignals::number(std::string_view name, unsigned bits) { return declare("reg", bits, name, false); }

VcdSignals::Id VcdSignals::count(std::string_view name, unsigned bits) { return declare("integer", bits, name, false); }

VcdSignals::Id VcdSignals::event(std::string_view name) { return declare("event", 0, name, false); }

VcdSignals::Id VcdSignals::string(std::string_view name) { return declare("string", 0, name, true); }

VcdSignals::Id VcdSignals::declare(std::string_view type, unsigned bits, std::string_view name, bool is_string) {
  Variable variable;
  variable.code = code_of(variables_.size());
  variable.bits = bits;
  variable.is_string = is_string;
  out_ << fmt::format("$var {} {} {} {} $end\n", type, bits == 0 ? 1 : bits, variable.code, name);
  variables_.push_back(variable);
  return variables_.size() - 1;
}

void VcdSignals::begin() {
  out_ << "$enddefinitions $end\n#0\n$dumpvars\n";
  for (const Variable& variable : variables_) {
    if (variable.is_string) {
      out_ << "s " << variable.code << '\n';
    } else if (variable.bits != 0) {
      write_number(variable);
    }
  }
  out_ << "$end\n";
}

void VcdSignals::at(std::uint64_t time) {
  // A log whose time runs backwards is wrong, and a wave of it would not open at all.
  if (time > time_) {
    time_ = time;
    time_written_ = false;
  }
}

void VcdSignals::write_time() {
  if (!time_written_) {
    out_ << '#' << time_ << '\n';
    time_written_ = true;
  }
}

void VcdSignals::set(Id id, std::uint64_t value) {
  Variable& variable = variables_[id];
  if (variable.value != value) {
    variable.value = value;
    write_time();
    write_number(variable);
  }
}

void VcdSignals::set(Id id, std::string_view text) {
  Variable& variable = variables_[id];
  if (variable.text != text) {
    variable.text = text;
    write_time();
    out_ << 's' << escaped(text) << ' ' << variable.code << '\n';
  }
}

void VcdSignals::fire(Id id) {
  write_time();
  out_ << '1' << variables_[id].code << '\n';
}

void VcdSignals::write_number(const Variable& variable) {
  if (variable.bits == 1) {
    out_ << ((variable.value & 1) != 0 ? '1' : '0') << variable.code << '\n';
    return;
  }
  const std::uint64_t mask = variable.bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << variable.bits) - 1;
  out_ << fmt::format("b{:b} {}\n", variable.value & mask, variable.code);
}

}  // namespace ringside::trace
