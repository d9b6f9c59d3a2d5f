#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {

void msix(Context& context) { run_with_completion(context, block::Completion::msix); }

}  // namespace ringside::scenarios
