// Keeps the tables of the model's IOMMU as an operating system would: a DMA buffer is mapped for both directions while
// it is allocated, and each map() gets bus addresses of its own, for its pages and its direction, until unmap(). Bus
// addresses are never used twice, so that one that is used after its time always faults.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "driver/hal/machine.h"
#include "model/iommu.h"

namespace ringside::targets {

class IommuTables {
 public:
  explicit IommuTables(model::Iommu& iommu) : iommu_(iommu) {}

  // `buffer` as physical memory has it. Its pages are its own: `alignment` is a multiple of a page.
  [[nodiscard]] hal::DmaBuffer add_buffer(const hal::DmaBuffer& buffer, std::uint64_t alignment);
  // The same buffer as physical memory has it, no longer mapped; nothing when it was not added.
  [[nodiscard]] std::optional<hal::DmaBuffer> remove_buffer(const hal::DmaBuffer& buffer);
  // The bus address of a byte that lies in a buffer.
  [[nodiscard]] hal::BusAddress bus_of(std::uint64_t physical) const;

  [[nodiscard]] hal::BusAddress map(std::uint64_t physical, std::size_t size, hal::DmaDirection direction);
  // False when map() did not give this.
  [[nodiscard]] bool unmap(hal::BusAddress bus, std::size_t size, hal::DmaDirection direction);

 private:
  struct Mapped {
    std::size_t size;
    hal::DmaDirection direction;
  };

  [[nodiscard]] std::uint64_t take_pages(std::uint64_t bytes, std::uint64_t alignment);
  [[nodiscard]] std::uint64_t enter(std::uint64_t physical, std::uint64_t size, std::uint64_t alignment,
                                    hal::DmaDirection direction);

  model::Iommu& iommu_;
  std::map<std::uint64_t, std::uint64_t> bus_of_;     // of buffers: physical address -> bus address
  std::map<std::uint64_t, std::uint64_t> buffer_of_;  // and back
  std::map<std::uint64_t, Mapped> mapped_;            // by the bus address that map() gave
  std::uint64_t next_ = kFirst;

  static constexpr std::uint64_t kFirst = 0x10'0000'0000;  // far from any physical address
};

}  // namespace ringside::targets
