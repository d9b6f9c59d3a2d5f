// A log as a timeline: read back as strictly as the format can be read. Of each track, time does not run backwards,
// every beginning has its end, and nothing overlaps.
#include "testbench/trace/timeline.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <stdexcept>

#include "testbench/trace/recorder.h"
#include "testbench/trace/text.h"

namespace ringside::trace {
namespace {

using nlohmann::json;

struct Slice {
  std::string process, track, name;
  double begin = 0, end = 0;
  json arguments = json::object();
};

class Timeline {
 public:
  explicit Timeline(const std::vector<Record>& log) {
    std::stringstream text;
    {
      TimelineWriter writer(text, LogMetadata{});
      for (const Record& record : log) {
        writer.append(record);
      }
    }
    read(text.str());
  }

  explicit Timeline(const std::string& text) { read(text); }

  std::vector<Slice> slices;    // in the order of their ends
  std::vector<Slice> instants;  // begin == end
  std::vector<json> counters;
  json about;

  [[nodiscard]] std::vector<Slice> on(const std::string& track) const {
    std::vector<Slice> found;
    for (const Slice& slice : slices) {
      // The rows of a group are "queue 0", "queue 0 (2)", ...
      if (slice.track == track || slice.track.starts_with(track + " (")) {
        found.push_back(slice);
      }
    }
    return found;
  }

  [[nodiscard]] std::set<std::string> tracks() const {
    std::set<std::string> names;
    for (const Slice& slice : slices) {
      names.insert(slice.track);
    }
    return names;
  }

  [[nodiscard]] std::size_t instants_named(const std::string& name) const {
    return static_cast<std::size_t>(
        std::count_if(instants.begin(), instants.end(), [&](const Slice& instant) { return instant.name == name; }));
  }

 private:
  using Thread = std::pair<std::uint64_t, std::uint64_t>;

  void read(const std::string& text) {
    const json document = json::parse(text, nullptr, false);
    ASSERT_FALSE(document.is_discarded()) << text.substr(0, 1000);
    about = document["otherData"];
    for (const json& event : document["traceEvents"]) {
      take(event);
    }
    EXPECT_TRUE(open_.empty()) << open_.size() << " slices without an end";
  }

  void take(const json& event) {
    const std::string phase = event["ph"];
    const Thread thread{event["pid"], event["tid"]};
    if (phase == "M") {
      take_name(event, thread);
      return;
    }
    const double time = event["ts"];
    EXPECT_GE(time, time_) << "time runs backwards: " << event;
    time_ = time;
    if (phase == "C") {
      counters.push_back(event);
      return;
    }
    ASSERT_TRUE(threads_.contains(thread)) << "a track without a name: " << event;
    if (phase == "E") {
      take_end(event, thread, time);
      return;
    }
    const Slice slice{processes_[thread.first],           threads_[thread], event["name"], time, time,
                      event.value("args", json::object())};
    if (phase == "B") {
      EXPECT_TRUE(open_.emplace(thread, slice).second) << "overlaps another: " << event;
    } else {
      EXPECT_EQ(phase, "i");
      instants.push_back(slice);
    }
  }

  void take_name(const json& event, const Thread& thread) {
    if (event["name"] == "process_name") {
      processes_[thread.first] = event["args"]["name"];
    } else if (event["name"] == "thread_name") {
      EXPECT_TRUE(threads_.emplace(thread, event["args"]["name"]).second) << "named twice: " << event;
    }
  }

  void take_end(const json& event, const Thread& thread, double time) {
    const auto begun = open_.find(thread);
    ASSERT_NE(begun, open_.end()) << "an end without its beginning: " << event;
    Slice slice = begun->second;
    open_.erase(begun);
    slice.end = time;
    const json arguments = event.value("args", json::object());
    for (const auto& [name, value] : arguments.items()) {
      EXPECT_FALSE(slice.arguments.contains(name)) << "said twice: " << name;
      slice.arguments[name] = value;
    }
    slices.push_back(slice);
  }

  std::map<std::uint64_t, std::string> processes_;
  std::map<Thread, std::string> threads_;
  std::map<Thread, Slice> open_;
  double time_ = 0;
};

Record at(std::uint64_t time, Kind kind, std::uint32_t ordinal = 0) {
  Record record = driver_record(kind);
  record.time = time;
  record.ordinal = ordinal;
  return record;
}

Record device_at(std::uint64_t time, Kind kind, std::uint32_t ordinal = 0) {
  Record record = at(time, kind, ordinal);
  record.tap = Tap::device;
  return record;
}

Record enabled(std::uint64_t time, std::uint64_t size) {
  Record record = at(time, Kind::queue_enabled);
  record.value = size;
  return record;
}

std::vector<Record> one_request() {
  std::vector<Record> log{enabled(10, 8), at(21, Kind::request), at(22, Kind::doorbell), at(23, Kind::wait)};
  log[1].flags = 1;
  log[1].offset = 128;
  log[1].length = 4096;
  log[1].hash = 0xfeed;
  log.push_back(device_at(30, Kind::dev_fetch));
  log.back().flags = 1;
  log.push_back(device_at(30, Kind::dev_media));
  log.back().flags = 1;
  log.back().value = 25;
  log.push_back(device_at(60, Kind::dev_complete));
  log.push_back(device_at(61, Kind::dev_interrupt));
  log.back().value = 1;
  log.push_back(at(1070, Kind::interrupt));
  log.back().value = 1;
  log.push_back(at(1071, Kind::completion));
  log.back().length = 1;
  return log;
}

std::size_t count_of(std::string_view what, std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) {
    ++count;
  }
  return count;
}

TEST(TimelineTest, ARequestIsASliceOfItsQueue) {
  const Timeline timeline(one_request());
  const std::vector<Slice> requests = timeline.on("queue 0");
  ASSERT_EQ(requests.size(), 1u);
  const Slice& request = requests[0];
  EXPECT_EQ(request.process, "disk 0");
  EXPECT_EQ(request.name, "OUT");
  EXPECT_DOUBLE_EQ(request.begin, 0.021);
  EXPECT_DOUBLE_EQ(request.end, 1.071);
  EXPECT_EQ(request.arguments, json({{"ordinal", 0},
                                     {"sector", 128},
                                     {"bytes", 4096},
                                     {"payload_sent", "000000000000feed"},
                                     {"status", "OK"},
                                     {"used_length", 1}}));
  EXPECT_EQ(timeline.about["requests"], 1);
  EXPECT_EQ(timeline.about["records"], one_request().size());
}

TEST(TimelineTest, TheDeviceHasTracksOfItsOwn) {
  const Timeline timeline(one_request());
  ASSERT_EQ(timeline.on("queue 0, device").size(), 1u);
  EXPECT_DOUBLE_EQ(timeline.on("queue 0, device")[0].begin, 0.030);
  EXPECT_DOUBLE_EQ(timeline.on("queue 0, device")[0].end, 0.060);
  ASSERT_EQ(timeline.on("media").size(), 1u);
  EXPECT_EQ(timeline.on("media")[0].name, "write");
  EXPECT_DOUBLE_EQ(timeline.on("media")[0].end, 0.055);
  EXPECT_EQ(timeline.instants_named("MSI-X entry 0"), 1u);
}

TEST(TimelineTest, TheDriverWaitsUntilItIsBack) {
  const Timeline timeline(one_request());
  ASSERT_EQ(timeline.on("driver").size(), 1u);
  EXPECT_EQ(timeline.on("driver")[0].name, "wait for msi 0");
  EXPECT_DOUBLE_EQ(timeline.on("driver")[0].begin, 0.023);
  EXPECT_DOUBLE_EQ(timeline.on("driver")[0].end, 1.070);
  EXPECT_EQ(timeline.instants_named("doorbell of disk 0 queue 0"), 1u);
  EXPECT_EQ(timeline.instants_named("msi 0"), 1u);
}

TEST(TimelineTest, TextNamesChecksAndMayBeAnyBytes) {
  std::vector<Record> log{at(5, Kind::check), text_record("it \"holds\"", false), at(6, Kind::check),
                          text_record("\xff\n", false)};
  log[0].value = 1;
  const Timeline timeline(log);
  EXPECT_EQ(timeline.instants_named("check it \"holds\""), 1u);
  EXPECT_EQ(timeline.instants_named("FAILED check \xef\xbf\xbd\n"), 1u);
}

TEST(TimelineTest, OverlappingRequestsLieOnTracksOfTheirOwn) {
  std::vector<Record> log{enabled(0, 8)};
  for (std::uint32_t ordinal = 0; ordinal < 3; ++ordinal) {
    log.push_back(at(10, Kind::request, ordinal));
  }
  log.push_back(at(20, Kind::completion, 1));
  log.push_back(at(20, Kind::request, 3));  // on the row that has become free
  for (const std::uint32_t ordinal : {2u, 0u, 3u}) {
    log.push_back(at(30, Kind::completion, ordinal));
  }
  const Timeline timeline(log);
  EXPECT_EQ(timeline.on("queue 0").size(), 4u);
  EXPECT_EQ(timeline.tracks(), (std::set<std::string>{"queue 0", "queue 0 (2)", "queue 0 (3)"}));
  std::vector<int> in_flight;
  for (const json& counter : timeline.counters) {
    EXPECT_EQ(counter["name"], "queue 0");
    in_flight.push_back(counter["args"]["in flight"]);
  }
  EXPECT_EQ(in_flight, (std::vector<int>{1, 2, 3, 2, 3, 2, 1, 0}));
}

TEST(TimelineTest, AResetEndsWhatWasInFlight) {
  const auto resets = {enabled(50, 8), at(50, Kind::queue_disabled), at(50, Kind::device_status)};
  for (const Record& reset : resets) {
    const Timeline timeline({enabled(0, 8), at(10, Kind::request), device_at(20, Kind::dev_fetch), reset,
                             at(60, Kind::request), at(70, Kind::completion)});
    const std::vector<Slice> requests = timeline.on("queue 0");
    ASSERT_EQ(requests.size(), 2u);
    EXPECT_DOUBLE_EQ(requests[0].end, 0.050);
    EXPECT_TRUE(requests[0].arguments.contains("ended"));
    EXPECT_FALSE(requests[1].arguments.contains("ended"));
    EXPECT_DOUBLE_EQ(timeline.on("queue 0, device").at(0).end, 0.050);
  }
}

TEST(TimelineTest, ARunThatDiedStillOpens) {
  std::stringstream text;
  try {
    TimelineWriter writer(text, LogMetadata{});
    const std::vector<Record> log = one_request();
    for (std::size_t i = 0; i < 6; ++i) {  // the request, the wait, the device and its media are under way
      writer.append(log[i]);
    }
    throw std::runtime_error("the end");
  } catch (const std::runtime_error&) {
  }
  const Timeline timeline(text.str());
  ASSERT_EQ(timeline.slices.size(), 4u);
  EXPECT_TRUE(timeline.on("queue 0").at(0).arguments.contains("ended"));
  EXPECT_DOUBLE_EQ(timeline.on("media").at(0).end, 0.030) << "ends with the log, not after it";
}

TEST(TimelineTest, MoreThanAQueueHoldsIsLeftOutAndCounted) {
  std::vector<Record> log{enabled(0, 8)};
  for (std::uint32_t ordinal = 0; ordinal < 1000; ++ordinal) {
    log.push_back(at(10, Kind::request, ordinal));
  }
  log.push_back(at(20, Kind::completion, 999));
  const Timeline timeline(log);
  EXPECT_EQ(timeline.on("queue 0").size(), 8u);
  EXPECT_EQ(timeline.about["requests"], 8);
  EXPECT_EQ(timeline.about["requests_left_out"], 992);
  EXPECT_EQ(timeline.about["completions_left_out"], 1);
}

// Counted in the text: to read a hundred thousand events takes longer than to write them.
TEST(TimelineTest, AllQueuesTogetherAreBoundedToo) {
  std::ostringstream text;
  {
    TimelineWriter writer(text, LogMetadata{});
    for (std::uint32_t i = 0; i < 70'000; ++i) {
      Record record = at(10, Kind::request, i / 250);
      record.queue = static_cast<std::uint16_t>(i % 250);
      writer.append(record);
    }
  }
  const std::string file = text.str();
  EXPECT_NE(file.find(R"("requests":65536,"requests_left_out":4464,)"), std::string::npos)
      << file.substr(file.size() - 300);
  EXPECT_EQ(count_of("{\"ph\":\"B\"", file), 65'536u);
  EXPECT_EQ(count_of("{\"ph\":\"E\"", file), 65'536u);
}

TEST(TimelineTest, ALogThatMakesNoSenseStillOpens) {
  std::vector<Record> log;
  std::size_t requests = 0;
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    Record record;
    record.time = i % 3 == 0 ? 0 : std::uint64_t{i} * 1000;
    record.kind = static_cast<Kind>(i % 256);
    record.tap = static_cast<Tap>(i % 3);
    record.unit = static_cast<std::uint8_t>(i * 7);
    record.queue = static_cast<std::uint16_t>(i % 5 == 0 ? i * 13 : i % 2);
    record.width = static_cast<std::uint8_t>(i);
    record.flags = static_cast<std::uint16_t>(i);
    record.region = i * 0x01234567;
    record.ordinal = i % 7;
    record.offset = record.value = record.length = ~std::uint64_t{i};
    requests += record.kind == Kind::request ? 1 : 0;
    log.push_back(record);
  }
  const Timeline timeline(log);
  EXPECT_FALSE(timeline.slices.empty());
  EXPECT_EQ(timeline.about["requests"].get<std::size_t>() + timeline.about["requests_left_out"].get<std::size_t>(),
            requests);
}

TEST(TimelineTest, AFileThatCannotBeWrittenIsAnError) {
  EXPECT_THROW(write_timeline("/nowhere/x.json", {}, {}), FileError);
  EXPECT_THROW(write_timeline("/dev/full", {}, one_request()), FileError);
}

}  // namespace
}  // namespace ringside::trace
