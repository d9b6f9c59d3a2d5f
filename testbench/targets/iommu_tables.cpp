#include "testbench/targets/iommu_tables.h"

#include <algorithm>
#include <iterator>

namespace ringside::targets {
namespace {

constexpr std::uint64_t kPage = model::Iommu::kPageBytes;

constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

}  // namespace

std::uint64_t IommuTables::take_pages(std::uint64_t bytes, std::uint64_t alignment) {
  const std::uint64_t bus = align_up(next_, alignment);
  next_ = bus + bytes + kPage;  // a hole between any two: running over the end of one is a fault as well
  return bus;
}

std::uint64_t IommuTables::enter(std::uint64_t physical, std::uint64_t size, std::uint64_t alignment,
                                 hal::DmaDirection direction) {
  const std::uint64_t first = physical & ~(kPage - 1);
  model::Iommu::Mapping mapping;
  mapping.physical = first;
  mapping.bytes = align_up(physical + size, kPage) - first;
  mapping.bus = take_pages(mapping.bytes, std::max(alignment, kPage));
  mapping.readable = direction != hal::DmaDirection::from_device;
  mapping.writable = direction != hal::DmaDirection::to_device;
  return iommu_.map(mapping) ? mapping.bus + (physical - first) : hal::raw(hal::kInvalidBusAddress);
}

hal::DmaBuffer IommuTables::add_buffer(const hal::DmaBuffer& buffer, std::uint64_t alignment) {
  const std::uint64_t physical = hal::raw(buffer.bus);
  const std::uint64_t bus = enter(physical, buffer.size, alignment, hal::DmaDirection::both);
  bus_of_[physical] = bus;
  buffer_of_[bus] = physical;
  return {buffer.cpu, hal::BusAddress{bus}, buffer.size};
}

std::optional<hal::DmaBuffer> IommuTables::remove_buffer(const hal::DmaBuffer& buffer) {
  const auto found = buffer_of_.find(hal::raw(buffer.bus));
  if (found == buffer_of_.end()) {
    return std::nullopt;
  }
  const hal::DmaBuffer in_memory{buffer.cpu, hal::BusAddress{found->second}, buffer.size};
  iommu_.unmap(found->first);
  bus_of_.erase(found->second);
  buffer_of_.erase(found);
  return in_memory;
}

hal::BusAddress IommuTables::bus_of(std::uint64_t physical) const {
  const auto after = bus_of_.upper_bound(physical);
  const auto& [start, bus] = *std::prev(after);
  return hal::BusAddress{bus + (physical - start)};
}

hal::BusAddress IommuTables::map(std::uint64_t physical, std::size_t size, hal::DmaDirection direction) {
  const std::uint64_t bus = enter(physical, size, kPage, direction);
  mapped_[bus] = {size, direction};
  return hal::BusAddress{bus};
}

bool IommuTables::unmap(hal::BusAddress bus, std::size_t size, hal::DmaDirection direction) {
  const auto found = mapped_.find(hal::raw(bus));
  if (found == mapped_.end() || found->second.size != size || found->second.direction != direction) {
    return false;
  }
  mapped_.erase(found);
  return iommu_.unmap(hal::raw(bus) & ~(kPage - 1));
}

}  // namespace ringside::targets
