// The report of a comparison that did not agree: where, what, on which requirement it bears, and how to see it again.
#include <fmt/core.h>

#include <algorithm>

#include "testbench/trace/compare.h"

namespace ringside::trace {
namespace {

constexpr std::size_t kFieldsShown = 6;

std::string when(std::uint64_t nanoseconds) {
  return fmt::format("{}.{:03} us", nanoseconds / 1000, nanoseconds % 1000);
}

void add_sighting(std::string& text, const std::string& label, const Sighting& sighting) {
  if (sighting.present) {
    text += fmt::format("  {:<9} #{} at {}: {}\n", label, sighting.index, when(sighting.time), sighting.text);
  } else {
    text += fmt::format("  {:<9} nothing of the kind\n", label);
  }
}

void add_fields(std::string& text, const Divergence& divergence) {
  const std::size_t shown = std::min(divergence.fields.size(), kFieldsShown);
  for (std::size_t i = 0; i < shown; ++i) {
    const FieldDifference& field = divergence.fields[i];
    text += fmt::format("  differs   {}: {} | {}\n", field.field, field.left, field.right);
  }
  if (shown < divergence.fields.size()) {
    text += fmt::format("  differs   in {} more fields\n", divergence.fields.size() - shown);
  }
}

std::string divergence_text(const Comparison& comparison) {
  const Divergence& divergence = *comparison.divergence;
  std::string text = fmt::format("{}: {} and {} diverge: {}\n", comparison.scenario, comparison.left_name,
                                 comparison.right_name, divergence.what);
  text += fmt::format("  class     {}, in {}\n", to_string(divergence.event_class), divergence.lane);
  text +=
      fmt::format("  clause    {}\n", divergence.clause.empty() ? "none: VIRTIO leaves it open" : divergence.clause);
  for (const auto& [left, right] : divergence.agreed) {
    text += fmt::format("  agreed    #{} | #{}: {}\n", left.index, right.index, left.text);
  }
  add_sighting(text, comparison.left_name, divergence.left);
  add_sighting(text, comparison.right_name, divergence.right);
  add_fields(text, divergence);
  if (divergence.followers != 0) {
    text += fmt::format("  then      {} more that may follow from it\n", divergence.followers);
  }
  return text;
}

}  // namespace

std::string render(const Comparison& comparison, const std::string& reproduce) {
  std::string text;
  if (comparison.verdict == Verdict::error) {
    text = fmt::format("{}: cannot be compared: {}\n", comparison.scenario, comparison.reason);
  } else if (comparison.divergence.has_value()) {
    text = divergence_text(comparison);
  } else {
    return text;
  }
  text += fmt::format("  compared  {} exact, {} ordered, {} invariant, {} waived\n", comparison.compared.exact,
                      comparison.compared.ordered, comparison.compared.invariant, comparison.waived);
  if (!reproduce.empty()) {
    text += fmt::format("  again     {}\n", reproduce);
  }
  return text;
}

}  // namespace ringside::trace
