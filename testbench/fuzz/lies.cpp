#include "testbench/fuzz/lies.h"

#include <algorithm>

namespace ringside::fuzz {

Lies::Lies(Choices& choices) {
  while (!choices.spent() && count_ < kMost) {
    Lie& lie = lies_[count_++];
    lie.on = static_cast<On>(choices.below(kOpportunities));
    lie.kind = choices.take<std::uint8_t>();
    lie.where = choices.take<std::uint8_t>();
    lie.times = std::max<std::uint8_t>(choices.take<std::uint8_t>(), 1);
    lie.first = choices.take<std::uint16_t>();
    lie.value = choices.take<std::uint32_t>();
  }
}

const Lie* Lies::next(On on) {
  const std::uint32_t opportunity = had_[static_cast<std::size_t>(on)]++;
  for (std::size_t i = 0; i < count_; ++i) {
    const Lie& lie = lies_[i];
    if (lie.on == on && opportunity >= lie.first && opportunity - lie.first < lie.times) {
      told_ = true;
      return &lie;
    }
  }
  return nullptr;
}

std::uint64_t altered(std::uint64_t truth, const Lie& lie) {
  switch (lie.kind % 4) {
    case 0:
      return lie.value;
    case 1:
      return truth ^ lie.value;
    case 2:
      return truth + lie.value;
    default:
      return ~std::uint64_t{0};
  }
}

}  // namespace ringside::fuzz
