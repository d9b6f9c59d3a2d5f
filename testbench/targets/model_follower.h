// Makes the model show what another run showed: at each look of the driver at used.idx, the completions that the
// schedule has there. When the schedule runs out, or does not fit what the driver does, completions are free again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/virtio_blk_pci.h"
#include "testbench/targets/model_cpu.h"
#include "testbench/trace/schedule.h"

namespace ringside::targets {

class ModelFollower {
 public:
  // One disk, one queue. Everything outlives the follower.
  ModelFollower(const trace::Schedule& schedule, ModelCpu& cpu, model::VirtioBlkPci& disk);

  // The driver is about to read used.idx.
  void look();
  // Whether what happens is the schedule's to say: requests are in flight whose completion it knows.
  [[nodiscard]] bool rules();
  // The driver waits for an interrupt: what the next look shows that shows something happens now. True when the other
  // run's wait ended here though no interrupt was due.
  bool wait();

 private:
  // Of the present life of the queue. Null when its schedule has run out.
  [[nodiscard]] const trace::QueueSchedule* life();
  void release_until(const trace::QueueSchedule& life, std::uint64_t visible);
  void next_look();
  void give_up();

  const std::vector<trace::QueueSchedule>* lives_ = nullptr;
  ModelCpu& cpu_;
  model::VirtioBlkPci& disk_;
  bool following_ = false;
  unsigned life_ = 0;          // queue_lives() of what the fields below belong to
  std::size_t look_ = 0;       // the next one
  std::uint32_t idle_ = 0;     // how often the driver has seen nothing new in it
  std::uint64_t visible_ = 0;  // released so far
  bool ahead_ = false;         // the next look was released before it came
};

}  // namespace ringside::targets
