#include "testbench/targets/memory_order.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
#include <vector>

#include "testbench/targets/near_name.h"

namespace ringside::targets {
namespace {

constexpr char kMemory[] = "memory";
constexpr char kWithout[] = "without";
// By hal::Fence, as in its declaration.
constexpr std::array<const char*, hal::kFenceCount> kFenceNames{"avail_publish", "avail_notify", "used_consume",
                                                                "used_rearm"};

std::size_t fence_number(const std::string& word, const TargetSpec& spec) {
  const auto* const found = std::ranges::find(kFenceNames, std::string_view(word));
  if (found == kFenceNames.end()) {
    const std::vector<std::string> names(kFenceNames.begin(), kFenceNames.end());
    throw InputError(
        fmt::format("target {}: option {} names the barrier \"{}\"{}; expected some of: {}, with a + between",
                    spec.name, kWithout, word, suggestion(word, names), fmt::join(names, ", ")));
  }
  return static_cast<std::size_t>(found - kFenceNames.begin());
}

}  // namespace

std::string MemoryOrder::text() const {
  std::vector<std::string_view> missing;
  for (std::size_t fence = 0; fence < kFenceNames.size(); ++fence) {
    if (without[fence]) {
      missing.emplace_back(kFenceNames[fence]);
    }
  }
  return fmt::format("memory order: {}{}{}", weak ? "weak" : "as the driver writes",
                     missing.empty() ? "" : ", without ", fmt::join(missing, ", "));
}

MemoryOrder memory_order(const TargetSpec& spec) {
  MemoryOrder order;
  if (const auto kind = spec.options.find(kMemory); kind != spec.options.end()) {
    if (kind->second != "weak" && kind->second != "plain") {
      throw InputError(fmt::format("target {}: option {} has the value \"{}\"; expected plain or weak", spec.name,
                                   kMemory, kind->second));
    }
    order.weak = kind->second == "weak";
  }
  if (const auto names = spec.options.find(kWithout); names != spec.options.end()) {
    std::string_view rest = names->second;
    for (bool more = true; more;) {
      const std::size_t end = rest.find('+');
      order.without.set(fence_number(std::string(rest.substr(0, end)), spec));
      more = end != std::string_view::npos;
      rest.remove_prefix(more ? end + 1 : 0);
    }
  }
  return order;
}

}  // namespace ringside::targets
