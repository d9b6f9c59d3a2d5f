#include "testbench/trace/wave_signals.h"

namespace ringside::trace {

WaveSignals::Id WaveSignals::bits(std::string_view name, unsigned bits) {
  return declare(WaveFormat::Type::bits, bits, name);
}

WaveSignals::Id WaveSignals::count(std::string_view name, unsigned bits) {
  return declare(WaveFormat::Type::count, bits, name);
}

WaveSignals::Id WaveSignals::event(std::string_view name) { return declare(WaveFormat::Type::event, 1, name); }

WaveSignals::Id WaveSignals::text(std::string_view name) { return declare(WaveFormat::Type::text, 0, name); }

WaveSignals::Id WaveSignals::declare(WaveFormat::Type type, unsigned bits, std::string_view name) {
  variables_.emplace_back();
  return format_.declare(type, bits, name);
}

void WaveSignals::at(std::uint64_t time) {
  // A log whose time runs backwards is wrong, and a wave of it would not open at all.
  if (time > time_) {
    time_ = time;
    time_written_ = false;
  }
}

void WaveSignals::write_time() {
  if (!time_written_) {
    format_.time(time_);
    time_written_ = true;
  }
}

void WaveSignals::set(Id id, std::uint64_t value) {
  Variable& variable = variables_[id];
  if (!variable.written || variable.value != value) {
    variable.written = true;
    variable.value = value;
    write_time();
    format_.number(id, value);
  }
}

void WaveSignals::set(Id id, std::string_view text) {
  Variable& variable = variables_[id];
  if (!variable.written || variable.text != text) {
    variable.written = true;
    variable.text.assign(text);
    write_time();
    format_.text(id, text);
  }
}

void WaveSignals::fire(Id id) {
  write_time();
  format_.event(id);
}

}  // namespace ringside::trace
