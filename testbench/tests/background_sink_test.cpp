// Records that another thread takes: all of them, in order, whatever the speed of either side.
#include "testbench/trace/background_sink.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <span>
#include <stdexcept>
#include <vector>

namespace ringside::trace {
namespace {

class Counting final : public Sink {
 public:
  void append(const Record& record) override {
    in_order = in_order && record.value == seen;
    thread = std::this_thread::get_id();
    if (++seen == slow_at) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    if (seen == throws_at) {
      throw std::runtime_error("no more");
    }
  }
  std::uint64_t seen = 0, slow_at = 0, throws_at = 0;
  bool in_order = true;
  std::thread::id thread;
};

void append_records(BackgroundSink& sink, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    Record record;
    record.value = i;
    sink.append(record);
  }
}

TEST(BackgroundSinkTest, EveryRecordArrivesInOrderAndElsewhere) {
  for (const std::uint64_t count : {0u, 1u, 4095u, 4096u, 4097u, 100'000u}) {
    Counting counting;
    counting.slow_at = 10;  // so that the other side has to wait
    BackgroundSink sink(counting);
    append_records(sink, count);
    sink.finish();
    EXPECT_EQ(counting.seen, count);
    EXPECT_TRUE(counting.in_order);
    EXPECT_NE(counting.thread, std::this_thread::get_id());
  }
}

TEST(BackgroundSinkTest, ManyAtOnceAndOneByOneKeepTheirOrder) {
  constexpr std::array<std::size_t, 5> kSizes{1, 67, 0, 4096, 20'000};  // more than is handed over at a time, too
  Counting counting;
  BackgroundSink sink(counting);
  std::uint64_t made = 0;
  const auto make = [&made](std::size_t count) {
    std::vector<Record> records(count);
    for (Record& record : records) {
      record.value = made++;
    }
    return records;
  };
  for (int round = 0; round < 4; ++round) {
    for (const std::size_t size : kSizes) {
      sink.append_all(make(size));
      sink.append(make(1).front());
    }
  }
  sink.finish();
  EXPECT_EQ(counting.seen, made);
  EXPECT_TRUE(counting.in_order);
}

class Counter final : public Sink {
 public:
  void append(const Record&) override { ++seen; }
  std::atomic<std::uint64_t> seen = 0;
};

// Long before the end, and however long nothing came.
TEST(BackgroundSinkTest, ABatchIsTakenWhenItIsFull) {
  constexpr std::uint64_t kBatch = 4096;
  constexpr std::chrono::seconds kAtMost{20};
  Counter counter;
  BackgroundSink sink(counter);
  for (std::uint64_t batch = 1; batch <= 3; ++batch) {
    append_records(sink, kBatch);
    for (const auto end = std::chrono::steady_clock::now() + kAtMost;
         counter.seen != batch * kBatch && std::chrono::steady_clock::now() < end;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_EQ(counter.seen, batch * kBatch);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the other one falls asleep
  }
  sink.finish();
}

TEST(BackgroundSinkTest, WhatTheOtherSideThrowsComesOutAtTheEnd) {
  Counting counting;
  counting.throws_at = 5'000;
  BackgroundSink sink(counting);
  append_records(sink, 100'000);
  EXPECT_THROW(sink.finish(), std::runtime_error);
  EXPECT_EQ(counting.seen, 5'000u) << "nothing after it";
  sink.finish();  // once
}

TEST(BackgroundSinkTest, WithoutAnEndItEndsAllTheSame) {
  Counting counting;
  {
    BackgroundSink sink(counting);
    append_records(sink, 3'000);
  }
  EXPECT_EQ(counting.seen, 3'000u);
}

}  // namespace
}  // namespace ringside::trace
