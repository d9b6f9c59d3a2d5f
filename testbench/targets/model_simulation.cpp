#include "testbench/targets/model_simulation.h"

#include <cstdlib>

namespace ringside::targets {

ModelSimulation& ModelSimulation::instance() {
  ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 0);  // standard output is for results
  static ModelSimulation* const simulation = new ModelSimulation;
  return *simulation;
}

}  // namespace ringside::targets
