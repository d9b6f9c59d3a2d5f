#include "testbench/trace/canary.h"

#include <algorithm>
#include <array>

namespace ringside::trace {
namespace {

using Change = bool (*)(std::vector<Record>& log);  // false where the log has nothing to change

auto last_of(std::vector<Record>& log, Kind kind) {
  return std::find_if(log.rbegin(), log.rend(), [&](const Record& record) { return record.kind == kind; });
}

bool other_disk(std::vector<Record>& log) {
  const auto found = last_of(log, Kind::disk_hash);
  if (found != log.rend()) {
    found->hash ^= 1;
  }
  return found != log.rend();
}

bool other_status(std::vector<Record>& log) {
  const auto found = last_of(log, Kind::completion);
  const bool there = found != log.rend() && found->ordinal != kNoOrdinal;
  if (there) {
    found->value ^= 1;  // OK is IOERR, and the other way round
  }
  return there;
}

// What ends every log, and stands in step with nothing once it is gone.
bool no_verdict(std::vector<Record>& log) {
  return std::erase_if(log, [](const Record& record) { return record.kind == Kind::verdict; }) != 0;
}

struct Canary {
  const char* says;
  Change change;
};
constexpr std::array<Canary, 3> kCanaries = {{{"other contents of the disk", other_disk},
                                              {"another status of the last request", other_status},
                                              {"a verdict that is missing", no_verdict}}};

}  // namespace

CanaryResult try_canary(const Side& left, const Side& right, const std::string& scenario, const Waivers& waivers) {
  CanaryResult result;
  if (left.log.size() > kLargestCanaryLog || right.log.size() > kLargestCanaryLog) {
    return result;
  }
  for (const Canary& canary : kCanaries) {
    std::vector<Record> changed = right.log;
    if (!canary.change(changed)) {
      continue;
    }
    Waivers scratch = waivers;  // its hits are none
    const Side other{right.name, right.identity, changed, right.follows};
    if (compare(left, other, scenario, scratch).verdict == Verdict::diverge) {
      ++result.caught;
    } else {
      result.missed = canary.says;
    }
  }
  return result;
}

}  // namespace ringside::trace
