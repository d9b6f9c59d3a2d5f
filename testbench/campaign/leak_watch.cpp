#include "testbench/campaign/leak_watch.h"

#include "testbench/trace/virtio_layout.h"

namespace ringside::campaign {
namespace {

constexpr std::uint64_t VIRTIO_MSI_NO_VECTOR = 0xffff;

bool maps_vector(const trace::Record& record) {
  return record.region == static_cast<std::uint32_t>(trace::Structure::common) &&
         (record.offset == trace::VIRTIO_PCI_COMMON_MSIX || record.offset == trace::VIRTIO_PCI_COMMON_Q_MSIX) &&
         record.value != VIRTIO_MSI_NO_VECTOR;
}

}  // namespace

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
    case trace::Kind::register_write:
      if (maps_vector(record)) {
        with_vectors_.insert(record.unit);
      }
      break;
    case trace::Kind::device_status:
      if (record.flags == 0 && record.value == 0) {
        with_vectors_.erase(record.unit);
      }
      break;
    default:
      break;
  }
}

}  // namespace ringside::campaign
