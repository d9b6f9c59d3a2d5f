// Sets of latencies that have a name: what the medium is made of. The link is the same for all.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "model/latencies.h"

namespace ringside::model {

struct LatencyModel {
  std::string_view name;
  std::string_view summary;
  Latencies latencies;
};

// The first is that of a run that names none.
[[nodiscard]] std::span<const LatencyModel> all_latency_models();
[[nodiscard]] std::optional<Latencies> latencies_by_name(std::string_view name);

}  // namespace ringside::model
