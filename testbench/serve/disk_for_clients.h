// All of a `ringside serve`: the image, the function in front of it, the socket, and clients until it ends.
#pragma once

#include <string>

#include "testbench/faults/plan.h"
#include "testbench/serve/client_log.h"
#include "testbench/serve/notice.h"
#include "testbench/serve/pace.h"
#include "testbench/targets/target.h"

namespace ringside::serve {

struct Order {
  std::string socket;
  targets::RunSettings settings;  // one disk; its properties, and those of the model
  Pace pace = Pace::free;
  bool once = false;                     // until the first client has left
  const faults::Plan* faults = nullptr;  // with a log only
  ClientLog* log = nullptr;              // of what the function does; nobody wants to know
};

// True when it ended by itself, false when a signal ended it. Throws InputError and LackingError.
[[nodiscard]] bool serve(const Order& order, const Notice& notice);

}  // namespace ringside::serve
