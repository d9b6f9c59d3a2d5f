#include "testbench/targets/run_aborted.h"

namespace ringside::targets {

void abort_run(const std::string& reason) { throw RunAborted(reason); }

}  // namespace ringside::targets
