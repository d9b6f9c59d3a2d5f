// What the driver took and has not given back at the end of a run: DMA buffers and mappings.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <tuple>

#include "testbench/trace/record.h"

namespace ringside::campaign {

class LeakWatch {
 public:
  void see(const trace::Record& record);
  [[nodiscard]] std::size_t buffers() const { return buffers_.size(); }
  [[nodiscard]] std::size_t mappings() const { return mappings_; }

 private:
  std::set<std::uint32_t> buffers_;  // by number
  std::size_t mappings_ = 0;         // that every unmap is of a mapping, the machine sees to
};

}  // namespace ringside::campaign
