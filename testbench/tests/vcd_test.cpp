// A log as a waveform: read back by a small parser, as strict as GTKWave has to be.
#include "testbench/trace/vcd.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "testbench/trace/recorder.h"
#include "testbench/trace/text.h"

namespace ringside::trace {
namespace {

class Wave {
 public:
  explicit Wave(const std::vector<Record>& log) {
    VcdContents contents;
    for (const Record& record : log) {
      contents.append(record);
    }
    std::stringstream text;
    LogMetadata metadata;
    metadata.scenario = "with spaces";
    VcdWriter writer(text, metadata, contents);
    for (const Record& record : log) {
      writer.append(record);
    }
    parse(text);
  }

  // time -> value, by full name. An event's value is "1".
  std::map<std::string, std::multimap<std::uint64_t, std::string>> changes;

  [[nodiscard]] std::string last(const std::string& name) const {
    const auto found = changes.find("ringside." + name);
    return found == changes.end() || found->second.empty() ? "never" : std::prev(found->second.end())->second;
  }

 private:
  void parse(std::istream& text) {
    std::map<std::string, std::string> names;  // by code
    std::string scope, line;
    std::uint64_t time = 0;
    bool declaring = true;
    while (std::getline(text, line)) {
      std::istringstream words(line);
      std::string first, second, third, code, name;
      words >> first;
      if (declaring) {
        words >> second >> third;
        if (first == "$scope") {
          scope += (scope.empty() ? "" : ".") + third;
        } else if (first == "$upscope") {
          const std::size_t dot = scope.rfind('.');
          scope = dot == std::string::npos ? "" : scope.substr(0, dot);
        } else if (first == "$var") {
          words >> code >> name;
          EXPECT_TRUE(names.emplace(code, fmt::format("{}.{}", scope, name)).second) << "a code used twice: " << line;
        } else if (first == "$enddefinitions") {
          EXPECT_EQ(scope, "");
          declaring = false;
        }
      } else if (first[0] == '#') {
        const std::uint64_t next = std::stoull(first.substr(1));
        EXPECT_GE(next, time) << "time runs backwards";
        time = next;
      } else if (first[0] == 'b' || first[0] == 's') {
        words >> code;
        EXPECT_TRUE(names.contains(code)) << line;
        changes[names[code]].emplace(time, first.substr(1));
      } else if (first[0] == '0' || first[0] == '1') {
        EXPECT_TRUE(names.contains(first.substr(1))) << line;
        changes[names[first.substr(1)]].emplace(time, first.substr(0, 1));
      } else {
        EXPECT_EQ(first[0], '$') << line;
      }
    }
  }
};

Record at(std::uint64_t time, Kind kind) {
  Record record = driver_record(kind);
  record.time = time;
  return record;
}

std::vector<Record> one_request() {
  std::vector<Record> log;
  log.push_back(at(5, Kind::device_status));
  log.back().value = 3;
  log.push_back(at(10, Kind::queue_enabled));
  log.push_back(at(20, Kind::avail_publish));
  log.back().value = 1;
  log.push_back(at(21, Kind::request));
  log.back().offset = 128;
  log.back().length = 4096;
  log.push_back(at(22, Kind::doorbell));
  log.push_back(at(23, Kind::wait));
  log.push_back(at(70, Kind::interrupt));
  log.back().value = 1;
  log.push_back(at(71, Kind::used_seen));
  log.back().value = 1;
  log.push_back(at(71, Kind::completion));
  log.back().offset = 128;
  log.back().length = 4097;
  return log;
}

TEST(VcdTest, ARequestShowsInItsQueue) {
  const Wave wave(one_request());
  EXPECT_EQ(wave.last("disk0.device_status"), "ACKNOWLEDGE|DRIVER");
  EXPECT_EQ(wave.last("disk0.device_status_bits"), "11");
  EXPECT_EQ(wave.last("disk0.queue0.avail_idx"), "1");
  EXPECT_EQ(wave.last("disk0.queue0.used_idx"), "1");
  EXPECT_EQ(wave.last("disk0.queue0.in_flight"), "0");
  EXPECT_EQ(wave.last("disk0.queue0.status"), "OK");
  EXPECT_EQ(wave.last("disk0.queue0.latency_ns"), "110010") << "50 ns";
  EXPECT_EQ(wave.last("disk0.queue0.completion"), "IN\\x20128\\x20OK\\x20#0");
  EXPECT_EQ(wave.changes.at("ringside.disk0.queue0.in_flight").count(21), 1u);
  EXPECT_EQ(wave.changes.at("ringside.disk0.queue0.doorbell").count(22), 1u);
  EXPECT_EQ(wave.changes.at("ringside.msi_0.interrupt").count(70), 1u);
  EXPECT_EQ(wave.changes.at("ringside.cpu.state").count(23), 1u);
}

TEST(VcdTest, TextIsEscaped) {
  std::vector<Record> log = one_request();
  log.push_back(at(80, Kind::log_line));
  split_text("a b\\c\n\xff and more than forty bytes of it, so that it is split", [&](Record piece) {
    piece.time = 80;
    log.push_back(piece);
  });
  EXPECT_EQ(Wave(log).last("bench.log").substr(0, 22), "a\\x20b\\x5cc\\x0a\\xff\\x2");
}

TEST(VcdTest, TheDevicesAccessesShowWhereThereAreAny) {
  std::vector<Record> log = one_request();
  Record grant = at(30, Kind::dma_map);
  grant.length = 512;
  log.insert(log.begin() + 5, grant);
  EXPECT_EQ(Wave(log).last("disk0.dma.granted_bytes"), "1000000000");
  EXPECT_NE(Wave(log).last("disk0.dma.activity").find("map"), std::string::npos);
  Record dma = at(90, Kind::dev_dma_write);
  dma.tap = Tap::device;
  dma.offset = 0x1000;
  dma.length = 4096;
  log.push_back(dma);
  EXPECT_EQ(Wave(log).last("disk0.dma.activity"), "write\\x200x1000\\x20+4096");
  EXPECT_EQ(Wave(log).last("disk0.dma.transfer"), "1");
}

TEST(VcdTest, ALogThatMakesNoSenseStillOpens) {
  std::vector<Record> log;
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    Record record;
    record.time = i % 3 == 0 ? 0 : ~std::uint64_t{0} - i;
    record.kind = static_cast<Kind>(i % 256);
    record.tap = static_cast<Tap>(i % 3);
    record.unit = static_cast<std::uint8_t>(i * 7);
    record.queue = static_cast<std::uint16_t>(i * 13);
    record.width = static_cast<std::uint8_t>(i);
    record.flags = static_cast<std::uint16_t>(i);
    record.region = i * 0x01234567;
    record.ordinal = i * 3;
    record.offset = record.value = record.length = ~std::uint64_t{i};
    log.push_back(record);
  }
  const Wave wave(log);
  EXPECT_FALSE(wave.changes.empty());
}

TEST(VcdTest, AFileThatCannotBeWrittenIsAnError) {
  EXPECT_THROW(write_vcd("/nowhere/x.vcd", {}, {}), FileError);
  EXPECT_THROW(write_vcd("/dev/full", {}, one_request()), FileError);
}

}  // namespace
}  // namespace ringside::trace
