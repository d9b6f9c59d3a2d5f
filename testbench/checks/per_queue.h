// What a monitor keeps of each queue. Records of one queue come in runs, so the last one is found without a search.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "testbench/trace/record.h"

namespace ringside::checks {

template <class T>
class PerQueue {
 public:
  using Key = std::pair<std::uint8_t, std::uint16_t>;  // device, queue

  // As it was, or fresh.
  [[nodiscard]] T& operator[](const trace::Record& record) {
    const Key key{record.unit, record.queue};
    if (last_ == nullptr || key != last_key_) {
      last_ = &queues_[key];
      last_key_ = key;
    }
    return *last_;
  }
  // Null when nothing is kept.
  [[nodiscard]] T* find(const trace::Record& record) {
    const Key key{record.unit, record.queue};
    if (last_ != nullptr && key == last_key_) {
      return last_;
    }
    const auto found = queues_.find(key);
    return found == queues_.end() ? nullptr : &found->second;
  }
  void erase(const trace::Record& record) {
    last_ = nullptr;
    queues_.erase({record.unit, record.queue});
  }
  void erase_unit(std::uint8_t unit) {
    last_ = nullptr;
    std::erase_if(queues_, [unit](const auto& entry) { return entry.first.first == unit; });
  }
  auto begin() { return queues_.begin(); }
  auto end() { return queues_.end(); }

 private:
  std::map<Key, T> queues_;
  T* last_ = nullptr;
  Key last_key_{};
};

}  // namespace ringside::checks
