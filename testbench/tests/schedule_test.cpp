// What one run showed of its asynchrony, for another to follow.
#include "testbench/trace/schedule.h"

#include <gtest/gtest.h>

#include "testbench/trace/interrupt_routes.h"
#include "testbench/trace/recorder.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::trace {
namespace {

Record enabled() { return driver_record(Kind::queue_enabled, 1, 2); }

Record completion(std::uint32_t ordinal) {
  Record record = driver_record(Kind::completion, 1, 2);
  record.ordinal = ordinal;
  return record;
}

Record look(std::uint64_t visible, std::uint64_t added) {
  Record record = driver_record(Kind::used_seen, 1, 2);
  record.aux = visible;
  record.length = added;
  return record;
}

TEST(ScheduleTest, EachLifeOfAQueueHasItsOwn) {
  const Schedule schedule = schedule_of({enabled(), completion(1), completion(0), enabled(), completion(0)});
  const auto& lives = schedule.queues.at(1 << 16 | 2);
  ASSERT_EQ(lives.size(), 2u);
  EXPECT_EQ(lives[0].completion_order, (std::vector<std::uint32_t>{1, 0}));
  EXPECT_EQ(lives[1].completion_order, (std::vector<std::uint32_t>{0}));
}

TEST(ScheduleTest, LooksThatFoundNothingAreOneThatSaysHowManyTheyWere) {
  Record three = look(3, 3);
  three.ordinal = 4;
  const Schedule schedule = schedule_of({enabled(), look(0, 0), look(0, 0), three, look(3, 0), look(3, 0), look(5, 2)});
  EXPECT_EQ(schedule.queues.at(1 << 16 | 2)[0].looks, (std::vector<std::uint64_t>{0, 3, 3, 5}));
  EXPECT_EQ(schedule.queues.at(1 << 16 | 2)[0].repeats, (std::vector<std::uint32_t>{4, 1, 1, 1}));
}

TEST(ScheduleTest, WakesThatNoCompletionAskedForAreKept) {
  const auto with_value = [](Kind kind, std::uint64_t value) {
    Record record = driver_record(kind, 1, 2);
    record.value = value;
    return record;
  };
  Record accepted = with_value(Kind::features, std::uint64_t{1} << 29);
  accepted.flags = 1;
  const Record wait = driver_record(Kind::wait);
  const auto seen = [](std::uint16_t index, std::uint64_t added) {
    Record record = look(index, added);
    record.value = index;
    return record;
  };
  const Schedule schedule =
      schedule_of({accepted, enabled(), with_value(Kind::used_event, 7), wait, seen(2, 2), wait, seen(8, 6),
                   with_value(Kind::used_event, 8), wait, driver_record(Kind::wait_timeout), seen(9, 1)});
  EXPECT_EQ(schedule.queues.at(1 << 16 | 2)[0].unprompted, (std::vector<std::uint64_t>{2}));
}

// Queues 0 and 1 of one device, both to be told of each completion.
class TwoQueues : public ::testing::Test {
 protected:
  static Record of(Kind kind, std::uint16_t queue, std::uint64_t value = 0) {
    Record record = driver_record(kind, 0, queue);
    record.value = value;
    return record;
  }
  static Record found(std::uint16_t queue, std::uint16_t index, std::uint64_t added) {
    Record record = of(Kind::used_seen, queue, index);
    record.length = added;
    record.aux = index;
    return record;
  }
  static Record accepted() {
    Record record = of(Kind::features, 0, std::uint64_t{1} << VIRTIO_F_EVENT_IDX);
    record.flags = 1;
    return record;
  }
  static std::vector<Record> start() { return {accepted(), of(Kind::queue_enabled, 0), of(Kind::queue_enabled, 1)}; }
};

TEST_F(TwoQueues, LooksKnowTheirPlaceAmongThoseAtAllQueues) {
  std::vector<Record> log = start();
  for (const Record& record : {of(Kind::wait, 0), found(1, 1, 1), found(0, 1, 1), of(Kind::wait, 0), found(1, 2, 1)}) {
    log.push_back(record);
  }
  const Schedule schedule = schedule_of(log);
  EXPECT_EQ(schedule.queues.at(0)[0].places, (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(schedule.queues.at(1)[0].places, (std::vector<std::uint64_t>{0, 2}));
  EXPECT_EQ(schedule.queues.at(0)[0].waits, (std::vector<std::uint64_t>{1}));
  EXPECT_EQ(schedule.queues.at(1)[0].waits, (std::vector<std::uint64_t>{1, 2}));
}

TEST_F(TwoQueues, AWakeIsExplainedByAnyQueueThatWasToAnnounceSomething) {
  std::vector<Record> log = start();
  for (const Record& record : {of(Kind::used_event, 0, 9), of(Kind::used_event, 1, 0), of(Kind::wait, 0),
                               found(0, 1, 1), found(1, 1, 1), of(Kind::wait, 0), found(0, 2, 1)}) {
    log.push_back(record);
  }
  const Schedule schedule = schedule_of(log);
  EXPECT_EQ(schedule.queues.at(0)[0].unprompted, (std::vector<std::uint64_t>{2}));
  EXPECT_TRUE(schedule.queues.at(1)[0].unprompted.empty());
}

TEST_F(TwoQueues, AWakeIsNotExplainedByWhatASecondLookFinds) {
  std::vector<Record> log = start();
  for (const Record& record :
       {of(Kind::used_event, 0, 4), of(Kind::wait, 0), found(0, 3, 3), found(0, 6, 3), of(Kind::wait, 0)}) {
    log.push_back(record);
  }
  EXPECT_EQ(schedule_of(log).queues.at(0)[0].unprompted, (std::vector<std::uint64_t>{3}));
}

// A disk that is polled has no part in what wakes the driver of another.
TEST_F(TwoQueues, AWakeIsNotExplainedByAQueueWithoutAVector) {
  std::vector<Record> log = start();
  Record vector = of(Kind::register_write, 1, InterruptRoutes::kNoVector);
  vector.region = static_cast<std::uint32_t>(Structure::common);
  vector.offset = VIRTIO_PCI_COMMON_Q_MSIX;
  for (const Record& record : {vector, of(Kind::used_event, 0, 9), of(Kind::used_event, 1, 0), of(Kind::wait, 0),
                               found(0, 1, 1), found(1, 1, 1), of(Kind::wait, 0)}) {
    log.push_back(record);
  }
  EXPECT_EQ(schedule_of(log).queues.at(0)[0].unprompted, (std::vector<std::uint64_t>{1}));
}

// Each look at a packed ring finds one descriptor: those that are found in a row were there together.
TEST(ScheduleTest, AWakeOnAPackedRingIsExplainedByAllThatIsFoundInARow) {
  constexpr std::uint64_t kWrap = 1u << 15;
  const auto of = [](Kind kind, std::uint64_t value) {
    Record record = driver_record(kind, 0, 0);
    record.value = value;
    return record;
  };
  const auto found = [&](std::uint16_t place, std::uint64_t added) {
    Record record = of(Kind::used_seen, kWrap | place);
    record.length = added;
    record.aux = place;
    return record;
  };
  Record accepted =
      of(Kind::features, std::uint64_t{1} << VIRTIO_F_EVENT_IDX | std::uint64_t{1} << VIRTIO_F_RING_PACKED);
  accepted.flags = 1;
  const std::vector<Record> start{accepted, of(Kind::queue_enabled, 8), of(Kind::used_event, kWrap | 2),
                                  of(Kind::avail_flags, RING_EVENT_FLAGS_DESC), of(Kind::wait, 0)};
  const auto unprompted = [&](std::vector<Record> looks) {
    looks.insert(looks.begin(), start.begin(), start.end());
    looks.push_back(of(Kind::wait, 0));
    return schedule_of(looks).queues.at(0)[0].unprompted;
  };
  EXPECT_TRUE(unprompted({found(1, 1), found(2, 1), found(3, 1)}).empty());
  EXPECT_EQ(unprompted({found(1, 1), found(1, 0), found(2, 1), found(3, 1)}), (std::vector<std::uint64_t>{1}));
}

TEST(ScheduleTest, WhatBelongsToNoQueueOrNoRequestIsLeftOut) {
  Record device = enabled();
  device.tap = Tap::device;
  const Schedule none = schedule_of({completion(0), device, look(1, 1)});
  EXPECT_TRUE(none.queues.empty());
  const Schedule schedule = schedule_of({enabled(), completion(kNoOrdinal)});
  EXPECT_TRUE(schedule.queues.at(1 << 16 | 2)[0].completion_order.empty());
}

}  // namespace
}  // namespace ringside::trace
