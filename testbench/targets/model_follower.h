// Makes the model show what another run showed: at each look of the driver at a queue, the completions that the
// schedule has there. When the schedule runs out, or does not fit what the driver does, completions are free again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "model/virtio_blk_pci.h"
#include "testbench/targets/model_cpu.h"
#include "testbench/trace/schedule.h"

namespace ringside::targets {

class ModelFollower {
 public:
  // `disks` by unit: as the driver discovers them. Everything outlives the follower.
  ModelFollower(const trace::Schedule& schedule, ModelCpu& cpu, std::vector<model::VirtioBlkPci*> disks);

  // The schedule fits so far, and the disks complete nothing by themselves.
  [[nodiscard]] bool following() const { return following_; }
  // The driver is about to look at what a queue has used.
  void look(std::uint8_t unit, std::uint16_t queue);
  // Whether what happens is the schedule's to say: requests are in flight whose completion it knows.
  [[nodiscard]] bool rules();
  // The driver waits for an interrupt, which has come once `woken` says so: what the other run's looks after that wait
  // showed happens now, one after the other until it has. True when that wait ended though no interrupt was due.
  bool wait(const std::function<bool()>& woken);

 private:
  // How far the schedule of one queue has been followed.
  struct Queue {
    std::uint8_t unit = 0;
    std::uint16_t number = 0;
    const std::vector<trace::QueueSchedule>* lives = nullptr;
    unsigned life = 0;          // queue_lives() of what the fields below belong to
    std::size_t look = 0;       // the next one
    std::uint32_t idle = 0;     // how often the driver has seen nothing new in it
    std::uint64_t visible = 0;  // released so far
    std::size_t shown = 0;      // looks below this one were released, those from `look` on before they came
  };
  // A look of the other run that has not come here yet.
  struct Next {
    Queue* queue = nullptr;  // null: there is none
    std::size_t look = 0;
  };

  // Of the present life of the queue. Null when it has none, or its schedule has run out.
  [[nodiscard]] const trace::QueueSchedule* life(Queue& queue);
  // The look at which the other run found something next; those that have been shown already may be left out.
  [[nodiscard]] Next next_to_show(bool with_shown);
  // Makes it visible before the driver looks.
  void show_ahead(Queue& queue, const trace::QueueSchedule& life, std::size_t look);
  void release_until(Queue& queue, const trace::QueueSchedule& life, std::uint64_t visible);
  static void next_look(Queue& queue);
  void give_up();

  ModelCpu& cpu_;
  std::vector<model::VirtioBlkPci*> disks_;
  std::vector<Queue> queues_;
  bool following_ = false;
};

}  // namespace ringside::targets
