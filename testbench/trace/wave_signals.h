// The variables of a wave, whatever the file's format: a value that did not change is not written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "testbench/trace/wave_format.h"

namespace ringside::trace {

class WaveSignals {
 public:
  using Id = WaveFormat::Id;

  explicit WaveSignals(WaveFormat& format) : format_(format) {}

  // --- Declarations
  void open_scope(std::string_view name) { format_.open_scope(name); }
  void close_scope() { format_.close_scope(); }
  // The first value shows from here on. What has no value yet, viewers show as unknown.
  [[nodiscard]] Id bits(std::string_view name, unsigned bits);
  // Viewers show it in decimal, and as signed: with one bit more than the number needs.
  [[nodiscard]] Id count(std::string_view name, unsigned bits);
  [[nodiscard]] Id event(std::string_view name);
  [[nodiscard]] Id text(std::string_view name);

  // --- Changes
  void at(std::uint64_t time);
  void set(Id id, std::uint64_t value);
  void set(Id id, std::string_view text);
  void fire(Id id);

 private:
  struct Variable {
    bool written = false;
    std::uint64_t value = 0;
    std::string text;
  };

  [[nodiscard]] Id declare(WaveFormat::Type type, unsigned bits, std::string_view name);
  void write_time();

  WaveFormat& format_;
  std::vector<Variable> variables_;
  std::uint64_t time_ = 0;
  bool time_written_ = false;
};

}  // namespace ringside::trace
