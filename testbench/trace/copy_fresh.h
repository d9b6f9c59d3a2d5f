// A copy of a record that was filled in a moment ago, field by field. A wide load of that would wait until the CPU has
// written back all that it stored before, which costs more than making the record; a word that was stored as a word is
// forwarded. So it is copied word by word.
#pragma once

#include <cstdint>

#include "testbench/trace/record.h"

namespace ringside::trace {

inline void copy_fresh(Record& to, const Record& from) {
  using Word [[gnu::may_alias]] = volatile std::uint64_t;  // volatile: no compiler makes wide loads of these
  const auto* const source = reinterpret_cast<const Word*>(&from);
  auto* const target = reinterpret_cast<Word*>(&to);
  for (unsigned i = 0; i < sizeof(Record) / sizeof(Word); ++i) {
    target[i] = source[i];
  }
}

}  // namespace ringside::trace
