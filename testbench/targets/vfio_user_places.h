// The places for served disks on the board of this process's model. SystemC elaborates once: whoever wants them asks
// before anything has run on the model.
#pragma once

#include <array>
#include <memory>

#include "testbench/targets/model_simulation.h"
#include "testbench/targets/vfio_user_disk.h"

namespace ringside::targets {

struct VfioUserPlaces {
  ModelSimulation& simulation;
  std::array<std::unique_ptr<VfioUserDisk>, model::kMostDisks> disks;

  [[nodiscard]] static VfioUserPlaces& instance();
};

}  // namespace ringside::targets
