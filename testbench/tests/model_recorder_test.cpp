// The two sides of the model's log in order of time, however the driver's side comes.
#include "testbench/targets/model_recorder.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "testbench/trace/memory_log.h"

namespace ringside::targets {
namespace {

class ModelRecorderTest : public testing::Test {
 protected:
  static std::vector<trace::Record> at(const std::vector<std::uint64_t>& times) {
    std::vector<trace::Record> records;
    for (const std::uint64_t time : times) {
      records.emplace_back().time = time;
    }
    return records;
  }
  void device_acts_at(std::uint64_t time) { recorder.disk(0).status(time * model::kPicosecondsPerNanosecond, 1); }
  [[nodiscard]] std::vector<std::uint64_t> times() const {
    std::vector<std::uint64_t> all;
    for (const trace::Record& record : log.records()) {
      all.push_back(record.time);
    }
    return all;
  }

  trace::MemoryLog log;
  ModelRecorder recorder{log};
};

TEST_F(ModelRecorderTest, WhatADeviceDidAheadComesBetweenThoseThatComeTogether) {
  device_acts_at(5);
  device_acts_at(8);
  recorder.append_all(at({3, 6}));
  recorder.append_all(at({7}));
  recorder.append_all({});
  recorder.finish();
  EXPECT_EQ(times(), (std::vector<std::uint64_t>{3, 5, 6, 7, 8}));
  EXPECT_EQ(log.records()[1].tap, trace::Tap::device);
}

TEST_F(ModelRecorderTest, TimeDoesNotGoBackWithinALog) {
  recorder.append_all(at({7, 9}));
  recorder.append_all(at({8, 8}));  // somebody told late
  device_acts_at(2);
  recorder.append_all(at({10}));
  EXPECT_EQ(times(), (std::vector<std::uint64_t>{7, 9, 9, 9, 9, 10}));
}

}  // namespace
}  // namespace ringside::targets
