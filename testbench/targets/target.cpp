#include "testbench/targets/target.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>

#include "testbench/targets/device_properties.h"
#include "testbench/targets/guest_target.h"
#include "testbench/targets/model_target.h"
#include "testbench/targets/near_name.h"
#include "testbench/targets/qemu_target.h"
#include "testbench/targets/vfio_user_target.h"

namespace ringside::targets {
namespace {

constexpr char kSyntax[] = "expected name[,option=value...]";

void add_option(TargetSpec& spec, const std::string& piece, const std::string& text) {
  const std::size_t equals = piece.find('=');
  const std::string name = piece.substr(0, equals);
  if (name.empty()) {
    throw InputError(fmt::format("target \"{}\": an option has no name; {}", text, kSyntax));
  }
  const std::string value = equals == std::string::npos ? "on" : piece.substr(equals + 1);
  if (!spec.options.emplace(name, value).second) {
    throw InputError(fmt::format("target \"{}\": option \"{}\" is given twice; expected once", text, name));
  }
}

template <class Range, class Name>
std::vector<std::string> names_of(const Range& range, Name name) {
  std::vector<std::string> names;
  std::ranges::transform(range, std::back_inserter(names), name);
  return names;
}

const TargetSummary& find_target(const std::vector<TargetSummary>& targets, const std::string& name) {
  const auto found = std::ranges::find(targets, name, &TargetSummary::name);
  if (found == targets.end()) {
    const auto names = names_of(targets, [](const TargetSummary& target) { return target.name; });
    throw InputError(fmt::format("unknown target \"{}\"{}; expected one of: {}", name, suggestion(name, names),
                                 fmt::join(names, ", ")));
  }
  return *found;
}

// Names only; what a value may be, the target knows.
void check_names(const TargetSpec& spec) {
  const auto targets = all_targets();
  const TargetSummary& target = find_target(targets, spec.name);
  const auto names = names_of(target.options, [](const auto& option) { return option.first; });
  for (const auto& [option, value] : spec.options) {
    if (std::ranges::find(names, option) != names.end()) {
      continue;
    }
    const std::string known = names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
    throw InputError(fmt::format("target {}: unknown option \"{}\"{}; expected: {}", spec.name, option,
                                 suggestion(option, names), known));
  }
}

}  // namespace

TargetSpec TargetSpec::parse(const std::string& text) {
  const std::vector<std::string> pieces = split_at_commas(text);
  TargetSpec spec;
  spec.name = pieces.front();
  if (spec.name.empty()) {
    throw InputError(fmt::format("target \"{}\" has no name; {}", text, kSyntax));
  }
  for (auto piece = pieces.begin() + 1; piece != pieces.end(); ++piece) {
    add_option(spec, *piece, text);
  }
  check_names(spec);
  return spec;
}

std::string TargetSpec::text() const {
  std::string result = name;
  for (const auto& [option, value] : options) {
    result += "," + option + (value == "on" ? "" : "=" + with_commas_doubled(value));
  }
  return result;
}

std::unique_ptr<Target> make_target(const TargetSpec& spec, const RunSettings& settings) {
  check_names(spec);
  if (settings.tracing == Tracing::requests && (spec.name != "model" || settings.faults != nullptr)) {
    throw InputError("requests alone are recorded on model, without faults: elsewhere a device acts between two looks");
  }
  if (spec.name == "guest") {
    return make_guest_target(spec, settings);
  }
  if (spec.name == "vfio-user") {
    return make_vfio_user_target(spec, settings);
  }
  return spec.name == "qemu" ? make_qemu_target(spec, settings) : make_model_target(spec, settings);
}

std::vector<TargetSummary> all_targets() {
  return {model_summary(), qemu_summary(), guest_summary(), vfio_user_summary()};
}

}  // namespace ringside::targets
