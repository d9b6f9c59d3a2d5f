// A file format for waves: variables in scopes, and what becomes of them in time. Variables may be declared after the
// first change, so that a wave can be written while its log is being made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringside::trace {

class WaveFormat {
 public:
  using Id = std::size_t;  // counts from 0, in the order of declaration
  enum class Type : std::uint8_t {
    bits,
    count,  // a number that people read in decimal
    event,
    text
  };

  WaveFormat() = default;
  WaveFormat(const WaveFormat&) = delete;
  WaveFormat& operator=(const WaveFormat&) = delete;
  virtual ~WaveFormat() = default;

  // A scope may be opened again.
  virtual void open_scope(std::string_view name) = 0;
  virtual void close_scope() = 0;
  // `bits` of a number, at most 64.
  [[nodiscard]] virtual Id declare(Type type, unsigned bits, std::string_view name) = 0;

  // Every later change is at this time, in ns, which is larger than the last one.
  virtual void time(std::uint64_t time) = 0;
  virtual void number(Id id, std::uint64_t value) = 0;
  virtual void text(Id id, std::string_view text) = 0;
  virtual void event(Id id) = 0;

  // The file is complete then. Throws FileError when any of it could not be written.
  virtual void close() = 0;
};

}  // namespace ringside::trace
