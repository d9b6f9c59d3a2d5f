// What each step of a program takes: its words and limits, once, for the parser, the printer, the generator and the
// interpreter's own check.
#pragma once

#include <cstddef>
#include <cstdint>

#include "testbench/scenarios/program.h"

namespace ringside::scenarios {

enum class ParamKind : std::uint8_t {
  number,   // up to `most`
  boolean,  // 0 or 1
  choice,   // one of `words`, or a number up to `most` where that is not 0
  bits,     // the names of `words` are bit numbers; or a number up to `most`
  address,  // "buffer:3+16" or a number; slot + 1 holds the base
};

struct Word {
  const char* name;
  std::uint64_t value;
};

struct Words {
  const Word* first = nullptr;
  std::size_t count = 0;
  [[nodiscard]] const Word* begin() const { return first; }
  [[nodiscard]] const Word* end() const { return first + count; }
};

struct Param {
  const char* name;
  ParamKind kind;
  unsigned slot;
  std::uint64_t most;
  std::uint64_t otherwise;  // the default
  bool required = false;
  Words words = {};
};

struct OpRow {
  Op op;
  const char* name;
  const Param* params;
  std::size_t count;
  [[nodiscard]] const Param* begin() const { return params; }
  [[nodiscard]] const Param* end() const { return params + count; }
};

struct OpRows {
  const OpRow* first;
  std::size_t count;
  [[nodiscard]] const OpRow* begin() const { return first; }
  [[nodiscard]] const OpRow* end() const { return first + count; }
};

[[nodiscard]] OpRows all_ops();
// Null for a number that names none.
[[nodiscard]] const OpRow* row_of(Op op);
// Its defaults, nothing given.
[[nodiscard]] Step step_of(Op op);
// Whether it is a step, and every argument within its limits.
[[nodiscard]] bool makes_sense(const Step& step);

// A register by name: structures as VIRTIO_PCI_CAP_* number them, and kLegacyStructure.
struct NamedRegister {
  const char* name;  // "common.queue_size"
  std::uint8_t structure;
  std::uint32_t offset;
  std::uint8_t width;
};
inline constexpr std::uint64_t kNoRegister = 0xff;  // the structure, offset and width stand in their own slots
[[nodiscard]] const NamedRegister* register_at(std::uint64_t index);

}  // namespace ringside::scenarios
