// The image that target guest runs, as it is built into this program.
#pragma once

#include <cstddef>
#include <span>

#include "testbench/targets/descriptor.h"

namespace ringside::targets {

using ImageBytes = std::span<const std::byte>;

// All empty where this program was built without it: it is for GCC on x86-64 only.
struct GuestImage {
  ImageBytes elf;     // 64-bit, with symbols: for debuggers and backtraces
  ImageBytes rom;     // the same as firmware, for `-bios`
  ImageBytes kernel;  // the same as a Multiboot loader wants it, for `-kernel`
};
[[nodiscard]] GuestImage guest_image();

// A memory file with these bytes. Throws std::system_error.
[[nodiscard]] Descriptor memory_file_of(ImageBytes bytes, const char* name);

}  // namespace ringside::targets
