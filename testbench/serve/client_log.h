// Where what a served disk does is recorded: a log for each client, from the function's power-on to the client's end.
#pragma once

#include "testbench/trace/record.h"

namespace ringside::serve {

class ClientLog {
 public:
  // A client is there: where its records go. It stays until end().
  [[nodiscard]] virtual trace::Sink& begin() = 0;
  virtual void end() = 0;

 protected:
  ~ClientLog() = default;
};

}  // namespace ringside::serve
