#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {

void intx(Context& context) { run_with_completion(context, block::Completion::intx); }

}  // namespace ringside::scenarios
