// When two logs are the same, and what is said when they are not.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "testbench/trace/canary.h"
#include "testbench/trace/compare.h"
#include "testbench/trace/hash.h"
#include "testbench/trace/recorder.h"
#include "testbench/trace/text.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::trace {
namespace {

// A log as a driver's run would leave it, with time going on by itself.
class Log {
 public:
  std::vector<Record> records;

  Record& put(Record record) {
    record.time = time_ += 100;
    records.push_back(record);
    return records.back();
  }
  Record& put(Kind kind) { return put(driver_record(kind)); }

  void text(Kind kind, const std::string& text) {
    put(kind).tap = Tap::bench;
    split_text(text, [this](Record piece) { put(piece); });
  }
  Record& read(Structure structure, std::uint64_t offset, std::uint64_t value) {
    Record& record = put(Kind::register_read);
    record.region = static_cast<std::uint32_t>(structure);
    record.offset = offset;
    record.width = 2;
    record.value = value;
    return record;
  }
  void config(std::uint64_t offset, std::uint64_t value) {
    Record& record = put(Kind::config_read);
    record.region = 4 << 3;
    record.offset = offset;
    record.width = 4;
    record.value = value;
  }
  void status(std::uint64_t value, bool read_back = false) {
    Record& record = put(Kind::device_status);
    record.value = value;
    record.flags = read_back ? 1 : 0;
  }
  void features(std::uint64_t value) {
    Record& record = put(Kind::features);
    record.flags = 1;
    record.value = value;
  }
  void start(std::uint64_t accepted = std::uint64_t{1} << VIRTIO_F_EVENT_IDX) {
    text(Kind::scenario, "test");
    config(0, 0x1001'1af4);
    features(accepted);
    put(Kind::queue_enabled).value = 8;
    status(VIRTIO_CONFIG_S_DRIVER_OK);
  }
  void request(std::uint32_t ordinal, std::uint16_t type = 0, std::uint64_t sector = 8) {
    Record& publish = put(Kind::avail_publish);
    publish.value = ordinal + 1;
    publish.length = 1;
    Record& record = put(Kind::request);
    record.ordinal = ordinal;
    record.flags = type;
    record.offset = sector;
    record.length = 512;
    record.aux = 3 | 513 << 17;
    Record& doorbell = put(Kind::doorbell);
    doorbell.width = 2;
  }
  void look(std::uint16_t index, std::uint16_t added) {
    Record& record = put(Kind::used_seen);
    record.value = index;
    record.length = added;
  }
  Record& completion(std::uint32_t ordinal, std::uint64_t hash = 0x55) {
    Record& record = put(Kind::completion);
    record.ordinal = ordinal;
    record.offset = 8;
    record.length = 513;
    record.aux = 513;
    record.hash = hash;
    return record;
  }
  void interrupt(std::uint64_t count) { put(Kind::interrupt).value = count; }
  Record& end(std::uint64_t hash = 0x99) {
    Record& record = put(Kind::disk_hash);
    record.hash = hash;
    return record;
  }

 private:
  std::uint64_t time_ = 0;
};

// Three requests in flight, completed in the order given.
Log three_requests(const std::vector<std::uint32_t>& order, std::uint64_t accepted = 1u << VIRTIO_F_EVENT_IDX) {
  Log log;
  log.start(accepted);
  for (std::uint32_t ordinal = 0; ordinal < 3; ++ordinal) {
    log.request(ordinal);
  }
  log.interrupt(1);
  log.look(3, 3);
  for (const std::uint32_t ordinal : order) {
    log.completion(ordinal);
  }
  log.end();
  return log;
}

Comparison compared(const Log& left, const Log& right) {
  Waivers none;
  return compare({"model", "", left.records}, {"qemu", "QEMU 7.2.22", right.records}, "test", none);
}

// The right log with a change.
Comparison with_change(const std::function<void(Log&)>& change) {
  Log right = three_requests({0, 1, 2});
  change(right);
  return compared(three_requests({0, 1, 2}), right);
}

Record& find(Log& log, Kind kind, std::size_t nth = 0) {
  for (Record& record : log.records) {
    if (record.kind == kind && nth-- == 0) {
      return record;
    }
  }
  throw std::logic_error("no such record");
}

void expect_divergence(const Comparison& comparison, EventClass event_class, const std::string& clause,
                       const std::string& words) {
  ASSERT_EQ(comparison.verdict, Verdict::diverge);
  const std::string report = render(comparison, "ringside compare test --seed 1");
  EXPECT_EQ(comparison.divergence->event_class, event_class) << report;
  EXPECT_EQ(comparison.divergence->clause, clause) << report;
  EXPECT_NE(report.find(words), std::string::npos) << report;
  EXPECT_LE(std::count(report.begin(), report.end(), '\n'), 25) << report;
  EXPECT_NE(report.find("ringside compare test --seed 1"), std::string::npos);
}

TEST(ComparisonTest, ALogAgreesWithItself) {
  const Comparison comparison = compared(three_requests({0, 1, 2}), three_requests({0, 1, 2}));
  EXPECT_EQ(comparison.verdict, Verdict::agree);
  EXPECT_EQ(comparison.compared.exact, 12u);
  EXPECT_GT(comparison.compared.ordered, 0u);
  EXPECT_GT(comparison.compared.invariant, 0u);
  EXPECT_EQ(render(comparison, "again"), "");
}

TEST(ComparisonTest, CompletionsMayComeInAnyOrder) {
  EXPECT_EQ(compared(three_requests({0, 1, 2}), three_requests({2, 0, 1})).verdict, Verdict::agree);
}

TEST(ComparisonTest, WithInOrderTheyMayNot) {
  const std::uint64_t in_order = std::uint64_t{1} << 35 | 1u << VIRTIO_F_EVENT_IDX;
  expect_divergence(compared(three_requests({0, 1, 2}, in_order), three_requests({2, 0, 1}, in_order)),
                    EventClass::ordered, "resfeat-dev-05", "broken on qemu");
}

TEST(ComparisonTest, TimeAndPollingAreNoDifference) {
  const Comparison comparison = with_change([](Log& log) {
    for (Record& record : log.records) {
      record.time *= 7;
    }
    Record relax = driver_record(Kind::relax);
    relax.time = log.records.back().time;
    log.records.push_back(relax);
    find(log, Kind::interrupt).value = 9;
  });
  EXPECT_EQ(comparison.verdict, Verdict::agree) << render(comparison, "");
}

TEST(ComparisonTest, RepeatedReadsOfARegisterAreOne) {
  Log left, right;
  for (Log* const log : {&left, &right}) {
    log->start();
  }
  left.read(Structure::common, 0x3a, 1);
  left.read(Structure::common, 0x3a, 1);
  left.read(Structure::common, 0x3a, 0);
  right.read(Structure::common, 0x3a, 1);
  right.read(Structure::common, 0x3a, 0);
  EXPECT_EQ(compared(left, right).verdict, Verdict::agree);
}

TEST(ComparisonTest, LookingAtAStatusThatIsKnownIsPolling) {
  Log left, right;
  for (Log* const log : {&left, &right}) {
    log->start();
    log->read(Structure::common, VIRTIO_PCI_COMMON_CFGGENERATION, 3);
  }
  left.status(VIRTIO_CONFIG_S_DRIVER_OK, true);
  left.read(Structure::device, 0, 100);
  left.read(Structure::common, VIRTIO_PCI_COMMON_CFGGENERATION, 3);
  right.read(Structure::device, 0, 100);
  EXPECT_EQ(compared(left, right).verdict, Verdict::agree);
  right.status(VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_NEEDS_RESET, true);
  EXPECT_EQ(compared(left, right).verdict, Verdict::diverge) << "a status that is news is not";
}

TEST(ComparisonTest, AConfigurationByteIsNamed) {
  const auto comparison = with_change([](Log& log) { find(log, Kind::config_read).value ^= 0x100; });
  expect_divergence(comparison, EventClass::exact, "pcidisc-dev-01", "config read 00:04.0 VENDOR_ID");
  EXPECT_EQ(comparison.divergence->fields[0].left, "0x10011af4");
  EXPECT_EQ(comparison.divergence->fields[0].right, "0x10011bf4");
}

TEST(ComparisonTest, TheFirstDifferenceIsReportedAndTheOthersCounted) {
  const auto comparison = with_change([](Log& log) {
    find(log, Kind::disk_hash).hash = 1;
    find(log, Kind::completion, 1).hash = 2;
    find(log, Kind::completion, 2).value = 1;
  });
  expect_divergence(comparison, EventClass::exact, "used-dev-02", "completion of request 1");
  EXPECT_EQ(comparison.divergence->followers, 2u);
  EXPECT_FALSE(comparison.divergence->agreed.empty());
}

TEST(ComparisonTest, ACauseComesBeforeWhatItPrevents) {
  Log left;
  left.text(Kind::scenario, "test");
  left.config(0, 0xffff'ffff);  // and so the driver never goes on
  expect_divergence(compared(left, three_requests({0, 1, 2})), EventClass::exact, "pcidisc-dev-01", "VENDOR_ID");
}

TEST(ComparisonTest, AFailedRequestsPayloadMeansNothing) {
  Log left = three_requests({0, 1, 2});
  Log right = left;
  find(left, Kind::completion).value = 1;
  find(right, Kind::completion).value = 1;
  find(right, Kind::completion).hash = 0xdead;
  EXPECT_EQ(compared(left, right).verdict, Verdict::agree);
}

TEST(ComparisonTest, AnotherRequestIsADifference) {
  expect_divergence(with_change([](Log& log) { find(log, Kind::request, 1).offset = 9; }), EventClass::exact, "",
                    "sector of IN differs");
}

TEST(ComparisonTest, AMissingCompletionIsADifference) {
  expect_divergence(with_change([](Log& log) {
                      std::erase_if(log.records, [](const Record& record) {
                        return record.kind == Kind::completion && record.ordinal == 1;
                      });
                    }),
                    EventClass::ordered, "", "broken on qemu: every request completes");
}

TEST(ComparisonTest, AResetDecidesWhatStillCompletes) {
  const auto cut = [](bool completes) {
    Log log;
    log.start();
    log.request(0);
    if (completes) {
      log.look(1, 1);
      log.completion(0);
    }
    log.put(Kind::queue_disabled);
    log.end();
    return log;
  };
  EXPECT_EQ(compared(cut(true), cut(false)).verdict, Verdict::agree);
}

TEST(ComparisonTest, ACompletionOfNothingIsADifference) {
  expect_divergence(with_change([](Log& log) {
                      Record twice = find(log, Kind::completion);
                      twice.ordinal = kNoOrdinal;
                      twice.time = log.records.back().time;
                      log.records.push_back(twice);
                    }),
                    EventClass::ordered, "", "each once");
}

TEST(ComparisonTest, AUsedLengthBeyondTheBufferIsADifference) {
  expect_divergence(with_change([](Log& log) { find(log, Kind::completion).length = 514; }), EventClass::invariant,
                    "used-dev-02", "used length 514 of 513");
}

TEST(ComparisonTest, AnotherUsedLengthWithinTheBufferIsNot) {
  EXPECT_EQ(with_change([](Log& log) { find(log, Kind::completion).length = 1; }).verdict, Verdict::agree);
}

TEST(ComparisonTest, AStrayWriteIsADifference) {
  expect_divergence(with_change([](Log& log) {
                      Record guard = driver_record(Kind::guard);
                      guard.region = kRegionDma + 4;
                      guard.offset = 512;
                      guard.time = log.records.back().time;
                      log.records.push_back(guard);
                    }),
                    EventClass::invariant, "desc-dev-01", "dma 4");
}

TEST(ComparisonTest, AnInterruptThatNeverCameIsADifference) {
  const auto run = [](bool lost) {
    Log log;
    log.start();
    log.request(0);
    log.put(Kind::wait);
    if (lost) {
      log.put(Kind::wait_timeout);
    } else {
      log.interrupt(1);
    }
    log.look(1, 1);
    log.completion(0);
    log.end();
    return log;
  };
  expect_divergence(compared(run(true), run(false)), EventClass::ordered, "usedsup-dev-05", "timed out");
}

TEST(ComparisonTest, WhenNoInterruptWasAskedForNoneIsMissed) {
  Log log;
  log.start();
  log.request(0);
  log.put(Kind::used_event).value = 5;
  log.put(Kind::wait);
  log.put(Kind::wait_timeout);
  log.look(1, 1);
  log.completion(0);
  EXPECT_EQ(check_rules(log.records).find(Rule::interrupt_follows), nullptr);
}

TEST(ComparisonTest, AnEmptyInterruptStatusIsADifference) {
  const auto run = [](std::uint64_t isr) {
    Log log;
    log.start();
    log.put(Kind::interrupt).offset = hal::line_vector(11);
    log.read(Structure::isr, 0, isr);
    return log;
  };
  expect_divergence(compared(run(1), run(0)), EventClass::ordered, "pciisr-dev-03", "isr.status");
}

TEST(ComparisonTest, OnASharedLineOneDeviceNamesTheCause) {
  const auto run = [](std::uint64_t first, std::uint64_t second) {
    Log log;
    log.start();
    Record running = find(log, Kind::device_status);
    running.unit = 1;
    log.put(running);
    log.put(Kind::interrupt).offset = hal::line_vector(11);
    log.read(Structure::isr, 0, first);
    log.read(Structure::isr, 0, second).unit = 1;
    return check_rules(log.records).find(Rule::isr_names_cause) != nullptr;
  };
  EXPECT_FALSE(run(0, 1));
  EXPECT_FALSE(run(1, 0));
  EXPECT_TRUE(run(0, 0));
}

TEST(ComparisonTest, AnInterruptMayBeSeenAfterItsCauseWasRead) {
  Log log;
  log.start();
  log.read(Structure::isr, 0, 1);
  log.put(Kind::interrupt).offset = hal::line_vector(11);
  log.read(Structure::isr, 0, 0);
  EXPECT_EQ(check_rules(log.records).find(Rule::isr_names_cause), nullptr);
  log.put(Kind::interrupt).offset = hal::line_vector(11);
  log.read(Structure::isr, 0, 0);
  EXPECT_NE(check_rules(log.records).find(Rule::isr_names_cause), nullptr) << "but once";
}

TEST(ComparisonTest, HowOftenTheConfigurationWindowIsAimedIsFree) {
  const auto polls = [](unsigned count) {
    Log log;
    log.start();
    for (unsigned i = 0; i < count; ++i) {
      Record& aim = log.put(Kind::config_write);
      aim.offset = 0x8c;
      aim.flags = 1;
      Record& data = log.put(Kind::config_read);
      data.offset = 0x94;
      data.flags = 1;
      log.status(VIRTIO_CONFIG_S_DRIVER_OK, true);
    }
    log.end();
    return log;
  };
  EXPECT_EQ(compared(polls(1), polls(5)).verdict, Verdict::agree);
}

TEST(ComparisonTest, ADoorbellOutOfNowhereIsADifference) {
  expect_divergence(with_change([](Log& log) {
                      Record doorbell = find(log, Kind::doorbell);
                      doorbell.time = log.records.back().time;
                      log.records.push_back(doorbell);
                    }),
                    EventClass::invariant, "availsup-drv-07", "doorbell");
}

TEST(ComparisonTest, TimeThatRunsBackwardsIsADifference) {
  expect_divergence(with_change([](Log& log) { log.records.back().time = 1; }), EventClass::invariant, "", "time");
}

TEST(ComparisonTest, LosingStepIsADifference) {
  expect_divergence(with_change([](Log& log) {
                      log.records.erase(log.records.begin() + 2);  // the vendor id is never read
                    }),
                    EventClass::exact, "", "config_read on one side");
}

TEST(ComparisonTest, ALogThatEndsEarlyIsADifference) {
  expect_divergence(with_change([](Log& log) { log.records.pop_back(); }), EventClass::exact, "blkop-dev-13",
                    "disk_hash");
}

TEST(ComparisonTest, AnotherNameOfACheckIsADifference) {
  Log left, right;
  for (Log* const log : {&left, &right}) {
    log->start();
    const std::string name = log == &left ? "one" : "other";
    Record& check = log->put(Kind::check);
    check.hash = hash_bytes(name.data(), name.size());
    check.value = 1;
    split_text(name, [&](Record piece) { log->put(piece); });
  }
  expect_divergence(compared(left, right), EventClass::exact, "", "\"other\"");
}

TEST(ComparisonTest, AnotherLineOfTheDriversLogIsADifference) {
  Log left, right;
  for (Log* const log : {&left, &right}) {
    log->start();
    log->text(Kind::log_line, log == &left ? "BAR0=0xC000\nevil\x01" : "BAR0=0xC080");
  }
  expect_divergence(compared(left, right), EventClass::exact, "", "BAR0=0xC080");
}

TEST(ComparisonTest, NothingToCompareIsAnErrorNotAnAgreement) {
  const Log empty;
  for (const auto& comparison : {compared(empty, empty), compared(three_requests({0, 1, 2}), empty),
                                 compared(empty, three_requests({0, 1, 2}))}) {
    EXPECT_EQ(comparison.verdict, Verdict::error);
    EXPECT_NE(render(comparison, "").find("no event to compare"), std::string::npos);
  }
}

TEST(ComparisonTest, TheDevicesSideIsNotCompared) {
  EXPECT_EQ(with_change([](Log& log) {
              Record record = driver_record(Kind::dev_fetch);
              record.tap = Tap::device;
              log.records.insert(log.records.begin() + 6, record);
            }).verdict,
            Verdict::agree);
}

TEST(ComparisonTest, WhatBothWorldsBreakAlikeIsNoDifferenceBetweenThem) {
  Log left = three_requests({0, 1, 2});
  find(left, Kind::completion).length = 9999;
  EXPECT_EQ(compared(left, left).verdict, Verdict::agree);
}

// --- Flushes

Log write_and_flush(bool waits) {
  Log log;
  log.start();
  log.request(0, VIRTIO_BLK_T_OUT);
  if (waits) {
    log.look(1, 1);
    log.completion(0);
  }
  log.request(1, VIRTIO_BLK_T_FLUSH);
  log.look(2, waits ? 1 : 2);
  if (!waits) {
    log.completion(0);
  }
  log.completion(1);
  log.end();
  return log;
}

TEST(ComparisonTest, AFlushThatDoesNotWaitForItsWritesIsADifferenceWhereCompletionsCameAlike) {
  const Log left = write_and_flush(true);
  const Log right = write_and_flush(false);
  Waivers none;
  const Comparison comparison = compare({"model", "", left.records, true}, {"qemu", "", right.records}, "test", none);
  expect_divergence(comparison, EventClass::ordered, "", "a flush was sent while 0 requests were in flight");
  EXPECT_EQ(compare({"model", "", left.records, true}, {"qemu", "", left.records}, "test", none).verdict,
            Verdict::agree);
}

TEST(ComparisonTest, WhereBothRanFreelyWhatAFlushFindsInFlightIsTiming) {
  EXPECT_EQ(compared(write_and_flush(true), write_and_flush(false)).verdict, Verdict::agree);
}

// --- What no driver sees

Log with_inner_state(std::uint32_t in_flight, bool moving = false, bool told = true) {
  Log log = three_requests({0, 1, 2});
  if (moving) {
    log.request(3);
  }
  log.status(0);
  if (told) {
    Record& device = log.put(Kind::dev_state);
    device.tap = Tap::device;
    device.value = VIRTIO_CONFIG_S_DRIVER_OK;
    Record& queue = log.put(Kind::dev_queue_state);
    queue.tap = Tap::device;
    queue.ordinal = in_flight;
  }
  return log;
}

TEST(ComparisonTest, WhatADeviceKeepsToItselfIsCompared) {
  const Comparison same = compared(with_inner_state(0), with_inner_state(0));
  EXPECT_EQ(same.verdict, Verdict::agree);
  EXPECT_EQ(same.inner, 2u);
  expect_divergence(compared(with_inner_state(0), with_inner_state(1)), EventClass::exact, "",
                    "in flight of dev_queue_state differs");
}

TEST(ComparisonTest, ButNotOfAQueueThatIsAtWork) {
  EXPECT_EQ(compared(with_inner_state(0, true), with_inner_state(1, true)).verdict, Verdict::agree);
}

TEST(ComparisonTest, WhatOnlyOneSideTellsOfItselfIsSkippedAndCounted) {
  const Comparison comparison = compared(with_inner_state(0), with_inner_state(0, false, false));
  EXPECT_EQ(comparison.verdict, Verdict::agree);
  EXPECT_EQ(comparison.inner, 0u);
  EXPECT_EQ(comparison.inner_skipped, 2u);
}

// --- The canary

CanaryResult canary_of(const std::string& waivers) {
  Log log = three_requests({0, 1, 2});
  log.put(Kind::verdict).tap = Tap::bench;
  const Waivers accepted = Waivers::parse(waivers, "w.toml", std::chrono::year{2026} / 1 / 1);
  return try_canary({"left", "", log.records}, {"right", "", log.records}, "test", accepted);
}

TEST(ComparisonTest, TheCanaryIsCaught) {
  const CanaryResult result = canary_of("");
  EXPECT_EQ(result.caught, 3u);
  EXPECT_EQ(result.missed, "");
}

TEST(ComparisonTest, AWaiverThatCoversTooMuchMissesTheCanary) {
  const CanaryResult result = canary_of(
      "[[waiver]]\nreason = \"all of it\"\nscenario = \"*\"\nkind = \"completion\"\ndecided_by = \"nobody\"\n"
      "expires = 2026-06-01\n");
  EXPECT_EQ(result.missed, "another status of the last request");
}

TEST(ComparisonTest, AWaiverAcceptsAValueAndGoesOn) {
  const auto day = std::chrono::year{2026} / 1 / 1;
  Waivers waivers = Waivers::parse(
      "[[waiver]]\nclause = \"used-dev-02\"\nscenario = \"te*\"\nkind = \"completion\"\nsubject = \"IN\"\n"
      "field = \"payload\"\ndecided_by = \"maintainers\"\nexpires = 2026-06-01\nversions = [\"7.2\"]\n",
      "waivers.toml", day);
  const Log left = three_requests({0, 1, 2});
  Log right = left;
  find(right, Kind::completion).hash = 1;
  const Side one{"model", "", left.records};
  const Side other{"qemu", "QEMU 7.2.22", right.records};
  Comparison comparison = compare(one, other, "test", waivers);
  EXPECT_EQ(comparison.verdict, Verdict::agree);
  EXPECT_EQ(comparison.waived, 1u);
  EXPECT_EQ(waivers.all()[0].hits, 1u);
  find(right, Kind::disk_hash).hash = 1;
  comparison = compare(one, other, "test", waivers);
  EXPECT_EQ(comparison.verdict, Verdict::diverge) << "and accepts nothing else";
}

TEST(ComparisonTest, AWaiverDoesNotHideALossOfStep) {
  const auto day = std::chrono::year{2026} / 1 / 1;
  Waivers waivers = Waivers::parse(
      "[[waiver]]\nreason = \"all of it\"\nscenario = \"*\"\nkind = \"config_read\"\ndecided_by = \"maintainers\"\n"
      "expires = 2026-06-01\n",
      "waivers.toml", day);
  const Log left = three_requests({0, 1, 2});
  Log right = left;
  find(right, Kind::config_read).offset = 4;
  EXPECT_EQ(compare({"a", "", left.records}, {"b", "", right.records}, "test", waivers).verdict, Verdict::diverge);
}

}  // namespace
}  // namespace ringside::trace
