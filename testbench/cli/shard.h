// `--shard I/N`: every N-th of what was selected, beginning with the I-th, so that N machines share the work.
#pragma once

#include <cstddef>
#include <string>

namespace ringside::cli {

struct Shard {
  std::size_t number = 1;
  std::size_t of = 1;

  // "2/8"; empty: all. Throws targets::InputError.
  [[nodiscard]] static Shard parse(const std::string& text);
  [[nodiscard]] bool takes(std::size_t index) const { return index % of == number - 1; }
  [[nodiscard]] bool whole() const { return of == 1; }
};

}  // namespace ringside::cli
