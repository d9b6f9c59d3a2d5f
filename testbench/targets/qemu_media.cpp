#include "testbench/targets/qemu_media.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "testbench/targets/qemu_command_line.h"

namespace ringside::targets {
namespace {

using nlohmann::json;

constexpr std::uint32_t kMostRules = 1000;

// A rule that holds once goes when it has; so many of them are so many errors.
json rules_of(const faults::Fault& fault) {
  constexpr int kInputOutputError = 5;  // EIO
  const bool counted = fault.times <= kMostRules;
  json rule{{"event", "none"}, {"errno", kInputOutputError}, {"once", counted}};
  if (fault.sector) {
    rule["sector"] = *fault.sector;
  }
  switch (fault.request) {
    case faults::RequestKind::any:
      break;
    case faults::RequestKind::read:
      rule["iotype"] = "read";
      break;
    case faults::RequestKind::write:
      rule["iotype"] = "write";
      break;
    case faults::RequestKind::flush:
      rule["iotype"] = "flush";
      break;
  }
  return std::vector<json>(counted ? fault.times : 1, rule);
}

}  // namespace

bool QemuMedia::fail(unsigned unit, bool read_only, const faults::Fault& fault) {
  const std::string filter = fmt::format("{}-errors{}", node_of(unit), ++filters_);
  std::string& below = below_.try_emplace(unit, fmt::format("file{}", unit)).first->second;
  const json add{{"driver", "blkdebug"},
                 {"node-name", filter},
                 {"image", below},
                 {"read-only", read_only},
                 {"inject-error", rules_of(fault)}};
  const json disk{{"driver", "raw"},    {"node-name", node_of(unit)}, {"file", filter},
                  {"discard", "unmap"}, {"detect-zeroes", "off"},     {"read-only", read_only}};
  if (!qmp_.done({{"execute", "blockdev-add"}, {"arguments", add}}) ||
      !qmp_.done({{"execute", "blockdev-reopen"}, {"arguments", {{"options", json::array({disk})}}}})) {
    return false;
  }
  below = filter;
  return true;
}

}  // namespace ringside::targets
