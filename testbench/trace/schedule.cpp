#include "testbench/trace/schedule.h"

namespace ringside::trace {
namespace {

void add_look(QueueSchedule& life, std::uint64_t visible) {
  const bool nothing_new = !life.looks.empty() && life.looks.back() == visible;
  const std::uint64_t before = life.looks.size() < 2 ? 0 : life.looks[life.looks.size() - 2];
  if (!(nothing_new && before == visible)) {
    life.looks.push_back(visible);
  }
}

}  // namespace

Schedule schedule_of(const std::vector<Record>& log) {
  Schedule schedule;
  for (const Record& record : log) {
    if (record.tap != Tap::driver) {
      continue;
    }
    const std::uint32_t key = std::uint32_t{record.unit} << 16 | record.queue;
    if (record.kind == Kind::queue_enabled) {
      schedule.queues[key].emplace_back();
      continue;
    }
    if (record.kind != Kind::completion && record.kind != Kind::used_seen) {
      continue;
    }
    const auto queue = schedule.queues.find(key);
    if (queue == schedule.queues.end()) {
      continue;
    }
    QueueSchedule& life = queue->second.back();
    if (record.kind == Kind::completion && record.ordinal != kNoOrdinal) {
      life.completion_order.push_back(record.ordinal);
    } else if (record.kind == Kind::used_seen) {
      add_look(life, record.aux);
    }
  }
  return schedule;
}

}  // namespace ringside::trace
