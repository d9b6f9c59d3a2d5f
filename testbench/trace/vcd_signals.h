// The variables of a VCD file: declared in scopes, then changed in time.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace ringside::trace {

class VcdSignals {
 public:
  using Id = std::size_t;

  explicit VcdSignals(std::ostream& out) : out_(out) {}

  // --- Declarations, before begin()
  void header(std::string_view comment);
  void open_scope(std::string_view name);
  void close_scope();
  [[nodiscard]] Id number(std::string_view name, unsigned bits);
  // A number that people read in decimal: viewers show the VCD type integer so. One bit more than it needs, as it is
  // signed.
  [[nodiscard]] Id count(std::string_view name, unsigned bits);
  [[nodiscard]] Id event(std::string_view name);
  [[nodiscard]] Id string(std::string_view name);
  void begin();

  // --- Changes. What did not change is not written.
  void at(std::uint64_t time);
  void set(Id id, std::uint64_t value);
  void set(Id id, std::string_view text);
  void fire(Id id);

 private:
  struct Variable {
    std::string code;
    unsigned bits = 0;  // 0: string or event
    bool is_string = false;
    std::uint64_t value = 0;
    std::string text;
  };

  [[nodiscard]] Id declare(std::string_view type, unsigned bits, std::string_view name, bool is_string);
  void write_number(const Variable& variable);
  void write_time();

  std::ostream& out_;
  std::vector<Variable> variables_;
  std::uint64_t time_ = 0;
  bool time_written_ = true;
};

}  // namespace ringside::trace
