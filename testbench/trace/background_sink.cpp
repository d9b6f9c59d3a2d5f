#include "testbench/trace/background_sink.h"

#include <algorithm>
#include <utility>

namespace ringside::trace {

BackgroundSink::BackgroundSink(Sink& inner) : inner_(inner), thread_([this] { work(); }) { batch_.reserve(kBatch); }

BackgroundSink::~BackgroundSink() { stop(); }

void BackgroundSink::append_all(std::span<const Record> records) {
  while (!records.empty()) {
    const auto fitting = records.first(std::min(records.size(), kBatch - batch_.size()));
    batch_.insert(batch_.end(), fitting.begin(), fitting.end());
    records = records.subspan(fitting.size());
    if (batch_.size() == kBatch) {
      hand_over();
    }
  }
}

void BackgroundSink::finish() {
  stop();
  if (problem_) {
    std::rethrow_exception(std::exchange(problem_, nullptr));
  }
}

void BackgroundSink::stop() {
  if (!thread_.joinable()) {
    return;
  }
  hand_over();
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void BackgroundSink::hand_over() {
  bool wake = false;
  {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_.size() < kMostWaiting; });
    waiting_.push_back(std::move(batch_));
    batch_ = {};
    if (!spare_.empty()) {
      batch_ = std::move(spare_.back());
      spare_.pop_back();
    }
    wake = asleep_ || waiting_.size() >= kMostWaiting / 2;
  }
  if (wake) {
    changed_.notify_all();
  }
  batch_.reserve(kBatch);
}

void BackgroundSink::wait_for_batch(std::unique_lock<std::mutex>& lock) {
  const auto come = [this] { return !waiting_.empty() || ending_; };
  for (unsigned i = 0; i < kPauses && !come(); ++i) {
    changed_.wait_for(lock, kPause, come);
  }
  asleep_ = true;
  changed_.wait(lock, come);
  asleep_ = false;
}

void BackgroundSink::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wait_for_batch(lock);
    if (waiting_.empty()) {
      return;
    }
    Batch batch = std::move(waiting_.front());
    waiting_.pop_front();
    const bool lost = problem_ != nullptr;
    lock.unlock();
    changed_.notify_all();  // there is room again
    std::exception_ptr problem;
    try {
      if (!lost) {
        inner_.append_all(batch);
      }
    } catch (...) {
      problem = std::current_exception();
    }
    batch.clear();
    lock.lock();
    spare_.push_back(std::move(batch));
    if (problem) {
      problem_ = problem;
    }
  }
}

}  // namespace ringside::trace
