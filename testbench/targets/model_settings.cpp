#include "testbench/targets/model_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "model/latency_models.h"
#include "testbench/targets/near_name.h"

namespace ringside::targets {
namespace {

using model::Latencies;

// A second for one step is slow enough for any disk, and far from what overflows the simulated time.
constexpr std::uint64_t kMostLatency = 1'000'000'000;

struct LatencySetting {
  const char* key;
  const char* meaning;
  std::uint64_t Latencies::*field;
  std::uint64_t most = kMostLatency;
};
constexpr std::array kLatencies{
    LatencySetting{"latency.config_access_ns", "one access to configuration space", &Latencies::config_access_ns},
    LatencySetting{"latency.dma_overhead_ns", "each DMA transaction", &Latencies::dma_overhead_ns},
    LatencySetting{"latency.link_ps_per_byte", "payload on the link", &Latencies::link_ps_per_byte},
    LatencySetting{"latency.media_channels", "requests that the medium works on at once; 0: any number",
                   &Latencies::media_channels, model::kMostMediaChannels},
    LatencySetting{"latency.media_flush_ns", "a flush", &Latencies::media_flush_ns},
    LatencySetting{"latency.media_jitter_percent", "how far a time may lie from its mean",
                   &Latencies::media_jitter_percent, model::kMostJitterPercent},
    LatencySetting{"latency.media_position_ns", "more, for a request that does not begin where the last one ended",
                   &Latencies::media_position_ns},
    LatencySetting{"latency.media_ps_per_byte", "of one channel of the medium", &Latencies::media_ps_per_byte},
    LatencySetting{"latency.media_read_ns", "a read", &Latencies::media_read_ns},
    LatencySetting{"latency.media_seed", "of the jitter", &Latencies::media_seed, ~std::uint64_t{0}},
    LatencySetting{"latency.media_write_ns", "a write", &Latencies::media_write_ns},
    LatencySetting{"latency.register_read_ns", "a read of a device register", &Latencies::register_read_ns},
    LatencySetting{"latency.register_write_ns", "a posted write", &Latencies::register_write_ns},
};
constexpr char kLatencyModel[] = "latency.model";

bool is_on(const TargetSpec& spec, const std::string& option, bool otherwise) {
  const auto found = spec.options.find(option);
  if (found == spec.options.end()) {
    return otherwise;
  }
  if (found->second != "on" && found->second != "off") {
    throw InputError(
        fmt::format("target model: option {} has the value \"{}\"; expected on or off", option, found->second));
  }
  return found->second == "on";
}

model::QuirkSet quirks_of(const TargetSpec& spec) {
  const auto found = spec.options.find("quirks");
  if (found == spec.options.end() || is_on(spec, "strict", false)) {
    return {};
  }
  const auto quirks = model::QuirkSet::parse(found->second);
  if (!quirks) {
    throw InputError(
        fmt::format("target model: option quirks has the value \"{}\"; expected none or qemu-VERSION, as "
                    "in qemu-7.2",
                    found->second));
  }
  return *quirks;
}

model::Mutant mutant_of(const TargetSpec& spec) {
  const auto found = spec.options.find("mutant");
  if (found == spec.options.end()) {
    return model::Mutant::none;
  }
  const auto mutant = model::mutant_by_name(found->second);
  if (!mutant) {
    std::vector<std::string> names;
    std::ranges::transform(model::all_mutants(), std::back_inserter(names),
                           [](const model::MutantInfo& info) { return std::string(info.name); });
    throw InputError(fmt::format("target model: unknown mutant \"{}\"{}; expected one of: {}", found->second,
                                 suggestion(found->second, names), fmt::join(names, ", ")));
  }
  return *mutant;
}

#ifdef RINGSIDE_MUTANTS
hal::Mutant driver_mutant_of(const TargetSpec& spec) {
  const auto found = spec.options.find("driver-mutant");
  if (found == spec.options.end()) {
    return hal::Mutant::none;
  }
  std::vector<std::string> names;
  for (const hal::MutantInfo& info : hal::kMutants) {
    if (found->second == info.name) {
      return info.mutant;
    }
    names.emplace_back(info.name);
  }
  throw InputError(fmt::format("target model: unknown driver mutant \"{}\"{}; expected one of: {}", found->second,
                               suggestion(found->second, names), fmt::join(names, ", ")));
}
#endif

const LatencySetting& latency_setting(const std::string& key) {
  const auto* const found = std::ranges::find(kLatencies, key, &LatencySetting::key);
  if (found == kLatencies.end()) {
    std::vector<std::string> names{kLatencyModel};
    std::ranges::transform(kLatencies, std::back_inserter(names), &LatencySetting::key);
    throw InputError(fmt::format("unknown setting \"{}\"{}; the model has: {}", key, suggestion(key, names),
                                 fmt::join(names, ", ")));
  }
  return *found;
}

std::uint64_t latency_value(const LatencySetting& setting, const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > setting.most) {
    throw InputError(fmt::format("setting {} has the value \"{}\"; expected a whole number from 0 to {}", setting.key,
                                 text, setting.most));
  }
  return value;
}

// What the other settings then change.
Latencies named_latencies(const RunSettings& settings) {
  const auto named = settings.values.find(kLatencyModel);
  if (named == settings.values.end()) {
    return {};
  }
  const auto latencies = model::latencies_by_name(named->second);
  if (!latencies) {
    std::vector<std::string> names;
    std::ranges::transform(model::all_latency_models(), std::back_inserter(names),
                           [](const model::LatencyModel& model) { return std::string(model.name); });
    throw InputError(fmt::format("setting {} has the value \"{}\"{}; expected one of: {}", kLatencyModel, named->second,
                                 suggestion(named->second, names), fmt::join(names, ", ")));
  }
  return *latencies;
}

}  // namespace

ModelOptions model_options(const TargetSpec& spec) {
  ModelOptions options;
  options.dmi = is_on(spec, "dmi", true);
  options.quirks = quirks_of(spec);
  options.mutant = mutant_of(spec);
  options.memory = memory_order(spec);
#ifdef RINGSIDE_MUTANTS
  options.driver_mutant = driver_mutant_of(spec);
#endif
  return options;
}

Latencies model_latencies(const RunSettings& settings) {
  Latencies latencies = named_latencies(settings);
  for (const auto& [key, text] : settings.values) {
    if (key != kLatencyModel) {
      const LatencySetting& setting = latency_setting(key);
      latencies.*setting.field = latency_value(setting, text);
    }
  }
  return latencies;
}

std::vector<std::pair<std::string, std::string>> model_setting_summaries() {
  std::string models;
  for (const model::LatencyModel& model : model::all_latency_models()) {
    models += fmt::format("{}{} ({})", models.empty() ? "" : ", ", model.name, model.summary);
  }
  std::vector<std::pair<std::string, std::string>> summaries{{kLatencyModel, "one of: " + models}};
  for (const LatencySetting& setting : kLatencies) {
    summaries.emplace_back(setting.key, fmt::format("{} ({})", setting.meaning, Latencies{}.*setting.field));
  }
  return summaries;
}

void check_model_machine(const MachinePlan& plan) {
  if (plan.type != kPcType && plan.type != kQ35Type) {
    throw InputError(fmt::format("machine \"{}\": the model has none like it; expected pc, q35, {} or {}", plan.type,
                                 kPcType, kQ35Type));
  }
}

}  // namespace ringside::targets
