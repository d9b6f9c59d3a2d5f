// Records of one moment: one time, one after the other, and handed on together.
#include "testbench/trace/recorder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <span>
#include <stdexcept>
#include <vector>

#include "testbench/tests/memory_machine.h"

namespace ringside::trace {
namespace {

class Groups final : public Sink {
 public:
  void append(const Record& record) override { append_all({&record, 1}); }
  void append_all(std::span<const Record> records) override {
    if (refuses) {
      throw std::runtime_error("no more");
    }
    sizes.push_back(records.size());
    all.insert(all.end(), records.begin(), records.end());
  }
  bool refuses = false;
  std::vector<std::size_t> sizes;
  std::vector<Record> all;
};

class RecorderTest : public testing::Test {
 protected:
  void put(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (i % 2 == 0) {
        recorder.next(Kind::request, 1, 2).value = made++;
        recorder.put_next();
      } else {
        Record record = driver_record(Kind::completion, 1, 2);
        record.value = made++;
        recorder.put(record);
      }
    }
  }
  [[nodiscard]] bool in_order() const {
    return std::ranges::adjacent_find(groups.all, std::ranges::greater_equal{}, &Record::value) == groups.all.end();
  }

  tests::MemoryMachine machine;
  Groups groups;
  Recorder recorder{machine, groups};
  std::uint64_t made = 0;
};

TEST_F(RecorderTest, WhatIsPutAloneGoesOnAtOnce) {
  machine.time = 5;
  put(2);
  machine.time = 6;
  put(1);
  EXPECT_EQ(groups.sizes, (std::vector<std::size_t>{1, 1, 1}));
  EXPECT_EQ(groups.all[1].time, 5u);
  EXPECT_EQ(groups.all[2].time, 6u);
  EXPECT_EQ(recorder.last(), Kind::request);
}

TEST_F(RecorderTest, AMomentHasOneTimeAndGoesOnTogether) {
  machine.time = 5;
  {
    const Recorder::Moment moment(recorder);
    put(7);
    machine.time = 9;
    put(3);
    EXPECT_TRUE(groups.all.empty());
  }
  EXPECT_EQ(groups.sizes, std::vector<std::size_t>{10});
  EXPECT_TRUE(std::ranges::all_of(groups.all, [](const Record& record) {
    return record.time == 5 && record.unit == 1 && record.queue == 2 && record.tap == Tap::driver;
  }));
  EXPECT_TRUE(in_order());
  put(1);
  EXPECT_EQ(groups.all.back().time, 9u) << "the moment is over";
}

TEST_F(RecorderTest, AMomentMayHaveAnyNumberOfRecords) {
  for (const std::size_t count : {0u, 1u, 95u, 96u, 97u, 1000u}) {
    groups.all.clear();
    {
      const Recorder::Moment moment(recorder);
      put(count);
    }
    EXPECT_EQ(groups.all.size(), count);
    EXPECT_TRUE(in_order()) << count;
  }
}

TEST_F(RecorderTest, WhoeverTakesTheRecordsOfAMomentMayRefuse) {
  groups.refuses = true;
  const auto moment_of = [&](std::size_t count) {
    const Recorder::Moment moment(recorder);
    put(count);
  };
  EXPECT_THROW(moment_of(3), std::runtime_error);
  groups.refuses = false;
  put(1);
  EXPECT_EQ(groups.sizes, std::vector<std::size_t>{1}) << "and the recorder goes on";
}

}  // namespace
}  // namespace ringside::trace
