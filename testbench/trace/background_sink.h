// Hands records to another thread, in batches: whoever makes them pays for a copy, and not for what is done with them.
// When that is slower than they come, append() waits: memory is bounded.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "testbench/trace/copy_fresh.h"
#include "testbench/trace/record.h"

namespace ringside::trace {

class BackgroundSink final : public Sink {
 public:
  // `inner` is used by the other thread alone, until finish() has returned.
  explicit BackgroundSink(Sink& inner);
  ~BackgroundSink();
  BackgroundSink(const BackgroundSink&) = delete;
  BackgroundSink& operator=(const BackgroundSink&) = delete;

  void append(const Record& record) override {
    copy_fresh(batch_.emplace_back(), record);
    if (batch_.size() == kBatch) {
      hand_over();
    }
  }
  void append_all(std::span<const Record> records) override;
  // Every record has reached `inner` then. Throws what it threw; the records after that are lost.
  void finish();

 private:
  // 512 KiB: to wake a thread takes as long as to make hundreds of records.
  static constexpr std::size_t kBatch = 8192;
  static constexpr std::size_t kMostWaiting = 4;  // batches

  using Batch = std::vector<Record>;

  void hand_over();
  void work();
  void stop();

  Sink& inner_;
  Batch batch_;  // being filled

  std::mutex mutex_;  // for all that follows
  std::condition_variable changed_;
  std::deque<Batch> waiting_;
  std::vector<Batch> spare_;  // empty ones, with their memory
  bool ending_ = false;
  std::exception_ptr problem_;

  std::thread thread_;  // last: it uses the others
};

}  // namespace ringside::trace
