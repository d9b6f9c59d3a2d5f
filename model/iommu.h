// The translation that stands between devices and memory when a machine has one: bus addresses are not physical
// addresses, and a device reaches only what was mapped for it, in the direction that was allowed, in whole pages. The
// tables are the machine's own affair; whoever plays the operating system fills them through map() and unmap().
#pragma once

#include <cstdint>
#include <map>

namespace ringside::model {

class Iommu {
 public:
  static constexpr std::uint64_t kPageBytes = 4096;

  // Pages in a row, mapped together. A lookup that fails gives one of no bytes.
  struct Mapping {
    std::uint64_t bus = 0;
    std::uint64_t bytes = 0;
    std::uint64_t physical = 0;
    bool readable = false;  // by devices
    bool writable = false;

    [[nodiscard]] bool contains(std::uint64_t address) const { return address - bus < bytes; }
  };

  // Without it, bus addresses are physical ones.
  void power_on(bool enabled);
  [[nodiscard]] bool enabled() const { return enabled_; }

  // False, and nothing is mapped, when the mapping is not of whole pages or overlaps another.
  [[nodiscard]] bool map(const Mapping& mapping);
  // False when none starts there.
  bool unmap(std::uint64_t bus);

  [[nodiscard]] Mapping find(std::uint64_t address) const;
  // Changes whenever a mapping ends: what was found before may be kept until then, as in a device's own cache.
  [[nodiscard]] std::uint64_t version() const { return version_; }

  void count_fault() { ++faults_; }
  [[nodiscard]] std::uint64_t faults() const { return faults_; }

 private:
  bool enabled_ = false;
  std::map<std::uint64_t, Mapping> mappings_;  // by bus address
  std::uint64_t version_ = 0;
  std::uint64_t faults_ = 0;
};

}  // namespace ringside::model
