// EVENT of `--debug=EVENT`, in the terms of fault plans.
#pragma once

#include <string>

#include "testbench/trace/event.h"

namespace ringside::cli {

// `KIND[:NTH][,queue=N][,unit=N]`: a kind of record that may trigger a fault, "doorbell"; the NTH of them (1), of that
// queue (0) of that device (0). Throws targets::InputError.
[[nodiscard]] trace::Event parse_event(const std::string& text);

// For people: "doorbell 3 of unit 0, queue 1".
[[nodiscard]] std::string describe(const trace::Event& event);

}  // namespace ringside::cli
