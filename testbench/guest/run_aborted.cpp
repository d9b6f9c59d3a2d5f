#include "testbench/targets/run_aborted.h"

#include "testbench/guest/crash.h"

namespace ringside::targets {

void abort_run(const std::string& reason) { guest::panic(reason.c_str()); }

}  // namespace ringside::targets
