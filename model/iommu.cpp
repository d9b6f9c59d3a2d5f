#include "model/iommu.h"

#include <iterator>

namespace ringside::model {

void Iommu::power_on(bool enabled) {
  enabled_ = enabled;
  mappings_.clear();
  ++version_;
  faults_ = 0;
}

bool Iommu::map(const Mapping& mapping) {
  const bool whole_pages = (mapping.bus | mapping.bytes | mapping.physical) % kPageBytes == 0;
  const bool wraps = mapping.bytes == 0 || mapping.bus + (mapping.bytes - 1) < mapping.bus;
  if (!whole_pages || wraps) {
    return false;
  }
  const auto after = mappings_.lower_bound(mapping.bus);
  const bool runs_into_next = after != mappings_.end() && after->first - mapping.bus < mapping.bytes;
  const bool starts_in_previous = after != mappings_.begin() && std::prev(after)->second.contains(mapping.bus);
  if (runs_into_next || starts_in_previous) {
    return false;
  }
  mappings_.emplace_hint(after, mapping.bus, mapping);
  return true;
}

bool Iommu::unmap(std::uint64_t bus) {
  ++version_;
  return mappings_.erase(bus) != 0;
}

Iommu::Mapping Iommu::find(std::uint64_t address) const {
  const auto after = mappings_.upper_bound(address);
  if (after == mappings_.begin() || !std::prev(after)->second.contains(address)) {
    return {};
  }
  return std::prev(after)->second;
}

}  // namespace ringside::model
