#include "model/address_map.h"

namespace ringside::model {

void AddressMap::claim(PciConnector& owner, unsigned number, const AddressRange& range) {
  release(owner, number);
  claims_.insert(claims_.begin(), Claim{range, &owner, number});
}

void AddressMap::release(const PciConnector& owner, unsigned number) {
  std::erase_if(claims_, [&](const Claim& claim) { return claim.owner == &owner && claim.number == number; });
}

void AddressMap::release_all(const PciConnector& owner) {
  std::erase_if(claims_, [&](const Claim& claim) { return claim.owner == &owner; });
}

}  // namespace ringside::model
