#include "testbench/scenarios/certain_interrupt.h"
#include "testbench/scenarios/list.h"
#include "testbench/scenarios/workload.h"

namespace ringside::scenarios {

// Where no interrupt comes, each of the workload's waits would end at its deadline.
void intx(Context& context) {
  if (check_interrupt(context, block::Completion::intx)) {
    run_with_completion(context, block::Completion::intx);
  }
}

}  // namespace ringside::scenarios
