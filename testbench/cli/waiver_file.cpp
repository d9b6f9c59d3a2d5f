#include "testbench/cli/waiver_file.h"

#include "testbench/cli/project_file.h"

namespace ringside::cli {

trace::Waivers load_waivers(const std::string& path) {
  if (!path.empty()) {
    return trace::Waivers::load(path, trace::today());
  }
  const auto own = project_file("traces/waivers.toml");
  return own ? trace::Waivers::load(own->string(), trace::today()) : trace::Waivers{};
}

}  // namespace ringside::cli
