#include "testbench/campaign/leak_watch.h"

namespace ringside::campaign {

void LeakWatch::see(const trace::Record& record) {
  switch (record.kind) {
    case trace::Kind::dma_alloc:
      buffers_.insert(record.region);
      break;
    case trace::Kind::dma_free:
      buffers_.erase(record.region);
      break;
    case trace::Kind::dma_map:
      ++mappings_;
      break;
    case trace::Kind::dma_unmap:
      mappings_ -= mappings_ == 0 ? 0 : 1;
      break;
    default:
      break;
  }
}

}  // namespace ringside::campaign
