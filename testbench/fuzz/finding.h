// How an entry says that it found something: the program ends, and the input that did it is kept by the fuzzer.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace ringside::fuzz {

inline void require(bool held, const char* what) {
  if (!held) {
    std::fprintf(stderr, "found: %s\n", what);
    std::abort();
  }
}

}  // namespace ringside::fuzz
