// Who answers where, in one address space of one bus: the ranges that BARs and bridge windows decode at the moment.
// PCI forbids that two overlap; where software lets them, the one that was programmed last answers, as on QEMU's buses.
#pragma once

#include <cstdint>
#include <vector>

namespace ringside::model {

class PciConnector;

struct AddressRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;  // inclusive: a range may end with the address space
};

class AddressMap {
 public:
  // A claim is known by its owner and by the owner's own number for it; claiming again moves it.
  void claim(PciConnector& owner, unsigned number, const AddressRange& range);
  void release(const PciConnector& owner, unsigned number);
  void release_all(const PciConnector& owner);
  void clear() { claims_.clear(); }

  // Null when nobody claims the address.
  [[nodiscard]] PciConnector* find(std::uint64_t address) const {
    for (const Claim& claim : claims_) {
      if (address - claim.range.first <= claim.range.last - claim.range.first) {
        return claim.owner;
      }
    }
    return nullptr;
  }

 private:
  struct Claim {
    AddressRange range;
    PciConnector* owner;
    unsigned number;
  };
  std::vector<Claim> claims_;  // the newest first
};

}  // namespace ringside::model
