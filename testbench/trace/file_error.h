// A file that cannot be read, written or understood. One line that names the file, the place in it, and what was
// expected there.
#pragma once

#include <stdexcept>

namespace ringside::trace {

struct FileError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace ringside::trace
