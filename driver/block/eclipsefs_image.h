// Writes a small EclipseFS into memory: what the simulated disk is filled with.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver/block/eclipsefs_format.h"

namespace ringside::block::eclipsefs {

struct ImageNode {
  const char* name;  // in the root
  NodeType type;     // a directory is empty
  const void* content = nullptr;
  std::uint32_t bytes = 0;
};

// Bytes of the image, in whole blocks; 0 when they do not fit into `size`. The root holds `nodes`; their inodes count
// from 2. What the image does not use is left as it is.
[[nodiscard]] std::size_t write_image(void* memory, std::size_t size, const ImageNode* nodes, std::uint32_t count);

}  // namespace ringside::block::eclipsefs
