#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {

void polled(Context& context) { run_with_completion(context, block::Completion::polled); }

}  // namespace ringside::scenarios
