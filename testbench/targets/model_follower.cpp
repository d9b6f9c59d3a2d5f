#include "testbench/targets/model_follower.h"

#include <algorithm>
#include <utility>

namespace ringside::targets {

ModelFollower::ModelFollower(const trace::Schedule& schedule, ModelCpu& cpu, std::vector<model::VirtioBlkPci*> disks)
    : cpu_(cpu), disks_(std::move(disks)) {
  for (const auto& [key, lives] : schedule.queues) {
    const std::uint32_t unit = key >> 16;
    const auto number = static_cast<std::uint16_t>(key);
    if (unit < disks_.size() && number < model::kMostQueues) {
      queues_.push_back({static_cast<std::uint8_t>(unit), number, &lives});
      disks_[unit]->hold_completions();
      following_ = true;
    }
  }
}

void ModelFollower::give_up() {
  following_ = false;
  for (model::VirtioBlkPci* const disk : disks_) {
    disk->free_completions();
  }
}

const trace::QueueSchedule* ModelFollower::life(Queue& queue) {
  const unsigned current = disks_[queue.unit]->queue_lives(queue.number);
  if (current != queue.life) {
    queue.life = current;
    queue.look = 0;
    queue.idle = 0;
    queue.visible = 0;
    queue.shown = 0;
  }
  if (current == 0 || current > queue.lives->size()) {
    return nullptr;
  }
  const trace::QueueSchedule& life = (*queue.lives)[current - 1];
  return queue.look < life.looks.size() ? &life : nullptr;
}

void ModelFollower::release_until(Queue& queue, const trace::QueueSchedule& life, std::uint64_t visible) {
  model::VirtioBlkPci& disk = *disks_[queue.unit];
  if (visible > life.completion_order.size()) {
    give_up();
    return;
  }
  model::Picoseconds when = cpu_.now();
  for (std::uint64_t i = queue.visible; i < visible; ++i) {
    const model::Picoseconds due = disk.due(life.completion_order[i], queue.number);
    if (due == model::kNever) {
      give_up();
      return;
    }
    when = std::max(when, due);
  }
  cpu_.sleep_until(when);
  for (; queue.visible < visible; ++queue.visible) {
    if (!disk.complete_one(life.completion_order[queue.visible], when, queue.number)) {
      give_up();
      return;
    }
  }
}

void ModelFollower::next_look(Queue& queue) {
  ++queue.look;
  queue.idle = 0;
  queue.shown = std::max(queue.shown, queue.look);
}

void ModelFollower::look(std::uint8_t unit, std::uint16_t number) {
  if (!following_) {
    return;
  }
  const auto queue = std::ranges::find_if(
      queues_, [&](const Queue& candidate) { return candidate.unit == unit && candidate.number == number; });
  if (queue == queues_.end()) {
    return;
  }
  const trace::QueueSchedule* const current = life(*queue);
  if (current == nullptr) {
    // Nothing more is known of this queue; as long as there is of another, it shows nothing more.
    if (next_to_show(true).queue == nullptr) {
      give_up();
    }
    return;
  }
  if (current->looks[queue->look] > queue->visible) {
    release_until(*queue, *current, current->looks[queue->look]);
    next_look(*queue);
  } else if (queue->look < queue->shown || ++queue->idle >= current->repeats[queue->look]) {
    next_look(*queue);
  }
}

bool ModelFollower::rules() {
  if (!following_ || std::ranges::none_of(disks_, [](const auto* disk) { return disk->in_flight() != 0; })) {
    return false;
  }
  if (std::ranges::any_of(queues_, [&](Queue& queue) { return life(queue) != nullptr; })) {
    return true;
  }
  give_up();
  return false;
}

ModelFollower::Next ModelFollower::next_to_show(bool with_shown) {
  Next next;
  std::uint64_t place = 0;
  for (Queue& queue : queues_) {
    const trace::QueueSchedule* const current = life(queue);
    if (current == nullptr) {
      continue;
    }
    std::size_t look = with_shown ? queue.look : std::max(queue.look, queue.shown);
    while (look >= queue.shown && look < current->looks.size() && current->looks[look] <= queue.visible) {
      ++look;
    }
    if (look < current->looks.size() && (next.queue == nullptr || current->places[look] < place)) {
      next = {&queue, look};
      place = current->places[look];
    }
  }
  return next;
}

void ModelFollower::show_ahead(Queue& queue, const trace::QueueSchedule& life, std::size_t look) {
  if (look < queue.shown) {
    return;
  }
  if (queue.look >= queue.shown) {
    queue.look = look;  // what the driver did not find in between, it does not look for any more: it waits
    queue.idle = 0;
  }
  release_until(queue, life, life.looks[look]);
  queue.shown = look + 1;
}

// One look of the other run may not be enough: queues have vectors of their own, so that what was found first may have
// been announced by another than the awaited one, and of a packed ring each look takes one descriptor, where the driver
// may have asked for an interrupt after many.
bool ModelFollower::wait(const std::function<bool()>& woken) {
  std::uint64_t wait = 0;
  for (Next next = next_to_show(true); next.queue != nullptr; next = next_to_show(false)) {
    const trace::QueueSchedule& current = *life(*next.queue);
    show_ahead(*next.queue, current, next.look);
    if (std::ranges::binary_search(current.unprompted, current.looks[next.look])) {
      return true;
    }
    wait = wait == 0 ? current.waits[next.look] : wait;
    if (!following_ || woken() || current.waits[next.look] != wait) {
      return false;
    }
  }
  return false;
}

}  // namespace ringside::targets
