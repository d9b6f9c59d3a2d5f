// The one model of this process: SystemC elaborates once, and its kernel is global.
#pragma once

#include "model/board.h"
#include "testbench/targets/model_cpu.h"

namespace ringside::targets {

struct ModelSimulation {
  model::Board board{"board"};
  ModelCpu cpu{"cpu", board};

  // Elaborated when it is first asked for, and never destroyed: the kernel refers to it until exit.
  [[nodiscard]] static ModelSimulation& instance();
};

}  // namespace ringside::targets
