#include "testbench/scenarios/certain_interrupt.h"
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {

// Where no interrupt comes, each of the workload's waits would end at its deadline.
void msix(Context& context) {
  if (check_interrupt(context, block::Completion::msix)) {
    run_with_completion(context, block::Completion::msix);
  }
}

}  // namespace ringside::scenarios
