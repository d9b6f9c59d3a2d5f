// What the driver took and has not given back at the end of a run: DMA buffers, mappings, interrupt vectors.
#pragma once

#include <cstdint>
#include <set>

#include "testbench/trace/record.h"

namespace ringside::campaign {

class LeakWatch {
 public:
  void see(const trace::Record& record);
  [[nodiscard]] std::size_t buffers() const { return buffers_.size(); }
  [[nodiscard]] std::size_t mappings() const { return mappings_; }
  // Devices whose events still have a vector: they were mapped, and no reset came after (VIRTIO 1.2, 4.1.5.1.2.1).
  [[nodiscard]] std::size_t vectors() const { return with_vectors_.size(); }

 private:
  std::set<std::uint32_t> buffers_;      // by number
  std::size_t mappings_ = 0;             // that every unmap is of a mapping, the machine sees to
  std::set<std::uint8_t> with_vectors_;  // units
};

}  // namespace ringside::campaign
