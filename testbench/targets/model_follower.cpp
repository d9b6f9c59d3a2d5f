#include "testbench/targets/model_follower.h"

#include <algorithm>

namespace ringside::targets {

ModelFollower::ModelFollower(const trace::Schedule& schedule, ModelCpu& cpu, model::VirtioBlkPci& disk)
    : cpu_(cpu), disk_(disk) {
  constexpr std::uint32_t kFirstQueueOfFirstUnit = 0;
  const auto found = schedule.queues.find(kFirstQueueOfFirstUnit);
  if (found != schedule.queues.end()) {
    lives_ = &found->second;
    following_ = true;
    disk_.hold_completions();
  }
}

void ModelFollower::give_up() {
  following_ = false;
  disk_.free_completions();
}

const trace::QueueSchedule* ModelFollower::life() {
  if (!following_) {
    return nullptr;
  }
  const unsigned current = disk_.queue_lives();
  if (current != life_) {
    life_ = current;
    look_ = 0;
    idle_ = 0;
    visible_ = 0;
    ahead_ = false;
  }
  if (current > lives_->size() || (current != 0 && look_ >= (*lives_)[current - 1].looks.size())) {
    give_up();
    return nullptr;
  }
  return current == 0 ? nullptr : &(*lives_)[current - 1];
}

void ModelFollower::release_until(const trace::QueueSchedule& life, std::uint64_t visible) {
  if (visible > life.completion_order.size()) {
    give_up();
    return;
  }
  model::Picoseconds when = cpu_.now();
  for (std::uint64_t i = visible_; i < visible; ++i) {
    const model::Picoseconds due = disk_.due(life.completion_order[i]);
    if (due == model::kNever) {
      give_up();
      return;
    }
    when = std::max(when, due);
  }
  cpu_.sleep_until(when);
  for (; visible_ < visible; ++visible_) {
    if (!disk_.complete_one(life.completion_order[visible_], when)) {
      give_up();
      return;
    }
  }
}

void ModelFollower::next_look() {
  ++look_;
  idle_ = 0;
  ahead_ = false;
}

void ModelFollower::look() {
  const trace::QueueSchedule* const current = life();
  if (current == nullptr) {
    return;
  }
  if (current->looks[look_] > visible_) {
    release_until(*current, current->looks[look_]);
    next_look();
  } else if (ahead_ || ++idle_ >= current->repeats[look_]) {
    next_look();
  }
}

bool ModelFollower::rules() { return life() != nullptr && disk_.in_flight() != 0; }

bool ModelFollower::wait() {
  const trace::QueueSchedule* current = life();
  while (current != nullptr && !ahead_ && current->looks[look_] <= visible_) {
    next_look();
    current = life();
  }
  if (current == nullptr) {
    return false;
  }
  const std::uint64_t visible = current->looks[look_];
  if (!ahead_) {
    release_until(*current, visible);
    ahead_ = true;
  }
  return std::ranges::binary_search(current->unprompted, visible);
}

}  // namespace ringside::targets
