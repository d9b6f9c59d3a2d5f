// Which fields of a record have to be equal in two worlds, by kind. What is not listed here (time, how often something
// was polled, used lengths) is allowed to differ.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "testbench/trace/record.h"

namespace ringside::trace {

enum class Style : std::uint8_t { decimal, hex, hash, status, request_status, request_type, address, vector };

struct Field {
  const char* name;
  std::uint64_t (*get)(const Record& record);
  Style style = Style::hex;
  // Part of what the event is (which register, which request), rather than of what came of it.
  bool identity = false;
};

// Empty for kinds that are not compared field by field.
[[nodiscard]] std::span<const Field> exact_fields(Kind kind);

[[nodiscard]] std::string format_field(const Field& field, std::uint64_t value);

}  // namespace ringside::trace
