// Hands records to another thread, in batches: whoever makes them pays for a copy, and not for what is done with them.
// When that is slower than they come, append() waits: memory is bounded.
//
// To wake a thread whose processor sleeps costs the waker some 25 µs in a virtual machine, as long as hundreds of
// requests. So while records come the other thread looks for itself, every now and then, and it is woken only from a
// longer sleep, when many batches wait, and at the end.
#pragma once

#include <chrono>
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
  static constexpr std::size_t kBatch = 4096;     // 256 KiB
  static constexpr std::size_t kMostWaiting = 8;  // batches
  static constexpr std::chrono::microseconds kPause{200};
  static constexpr unsigned kPauses = 16;  // in which nothing comes, before it sleeps

  using Batch = std::vector<Record>;

  void hand_over();
  void work();
  void wait_for_batch(std::unique_lock<std::mutex>& lock);
  void stop();

  Sink& inner_;
  Batch batch_;  // being filled

  std::mutex mutex_;  // for all that follows
  std::condition_variable changed_;
  std::deque<Batch> waiting_;
  std::vector<Batch> spare_;  // empty ones, with their memory
  bool asleep_ = false;       // the other thread, until it is woken
  bool ending_ = false;
  std::exception_ptr problem_;

  std::thread thread_;  // last: it uses the others
};

}  // namespace ringside::trace
