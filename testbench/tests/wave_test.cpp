// A log as a waveform: VCD is read back by a small parser, as strict as GTKWave has to be, FST by GTKWave's own reader.
#include "testbench/trace/wave.h"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "testbench/tests/fst_as_vcd.h"
#include "testbench/trace/fst_format.h"
#include "testbench/trace/recorder.h"
#include "testbench/trace/text.h"

namespace ringside::trace {
namespace {

class Directory {
 public:
  Directory() : path_(testing::TempDir() + "ringside-wave-XXXXXX") {
    if (::mkdtemp(path_.data()) == nullptr) {
      throw std::runtime_error("mkdtemp");
    }
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::string path_;
};

LogMetadata metadata() {
  LogMetadata metadata;
  metadata.scenario = "with spaces";
  return metadata;
}

// In sections that are small enough for these logs to have several.
void write_fst(const std::string& path, const std::vector<Record>& log) {
  constexpr std::size_t kSectionBytes = 100'000;
  WaveWriter writer(make_fst(path, wave_comment(metadata()), kSectionBytes));
  for (const Record& record : log) {
    writer.append(record);
  }
  writer.close();
}

class Wave {
 public:
  explicit Wave(const std::vector<Record>& log) {
    const Directory directory;
    write_vcd(directory.file("w.vcd"), metadata(), log);
    EXPECT_EQ(directory.files(), 1u) << "only the wave is left";
    std::ifstream text(directory.file("w.vcd"));
    parse(text);
  }
  explicit Wave(std::istream& text) { parse(text); }

  // time -> value, by full name. An event's value is "1".
  std::map<std::string, std::multimap<std::uint64_t, std::string>> changes;
  std::map<std::string, std::string> types;  // by full name

  [[nodiscard]] std::string last(const std::string& name) const {
    const auto found = changes.find("ringside." + name);
    return found == changes.end() || found->second.empty() ? "never"
                                                           : without_zeros(std::prev(found->second.end())->second);
  }

 private:
  static std::string without_zeros(const std::string& number) {
    const std::size_t first = number.find_first_not_of('0');
    return first == std::string::npos && !number.empty() ? "0" : number.substr(std::min(first, number.size()));
  }

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
          EXPECT_TRUE(types.emplace(names[code], second).second) << "a name used twice: " << line;
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

TEST(WaveTest, ARequestShowsInItsQueue) {
  const Wave wave(one_request());
  EXPECT_EQ(wave.last("disk0.device_status"), "ACKNOWLEDGE|DRIVER");
  EXPECT_EQ(wave.last("disk0.device_status_bits"), "11");
  EXPECT_EQ(wave.last("disk0.queue0.avail_idx"), "1");
  EXPECT_EQ(wave.last("disk0.queue0.used_idx"), "1");
  EXPECT_EQ(wave.last("disk0.queue0.in_flight"), "0");
  EXPECT_EQ(wave.last("disk0.queue0.status"), "OK");
  EXPECT_EQ(wave.last("disk0.queue0.latency_ns"), "110010") << "50 ns";
  EXPECT_EQ(wave.last("disk0.queue0.completion"), "IN\\040128\\040OK\\040#0");
  EXPECT_EQ(wave.changes.at("ringside.disk0.queue0.in_flight").count(21), 1u);
  EXPECT_EQ(wave.changes.at("ringside.disk0.queue0.doorbell").count(22), 1u);
  EXPECT_EQ(wave.changes.at("ringside.msi_0.interrupt").count(70), 1u);
  EXPECT_EQ(wave.changes.at("ringside.cpu.state").count(23), 1u);
}

TEST(WaveTest, TextIsEscaped) {
  std::vector<Record> log = one_request();
  log.push_back(at(80, Kind::log_line));
  split_text("a b\\c\n\xff and more than forty bytes of it, so that it is split", [&](Record piece) {
    piece.time = 80;
    log.push_back(piece);
  });
  EXPECT_EQ(Wave(log).last("bench.log").substr(0, 17), "a\\040b\\\\c\\n\\377\\0");
}

TEST(WaveTest, TheDevicesAccessesShowWhereThereAreAny) {
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
  EXPECT_EQ(Wave(log).last("disk0.dma.activity"), "write\\0400x1000\\040+4096");
  EXPECT_EQ(Wave(log).last("disk0.dma.transfer"), "1");
}

TEST(WaveTest, ALogThatMakesNoSenseStillOpens) {
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

TEST(WaveTest, EachRequestHasALaneForAsLongAsItIsInFlight) {
  std::vector<Record> log{at(1, Kind::queue_enabled)};
  for (std::uint32_t i = 0; i < 3; ++i) {
    log.push_back(at(10 + i, Kind::request));
    log.back().ordinal = i;
    log.back().offset = 8 * i;
    log.back().length = 512;
  }
  log.push_back(at(20, Kind::completion));
  log.back().ordinal = 1;
  log.push_back(at(21, Kind::completion));
  log.back().ordinal = 0;
  log.back().value = 1;  // VIRTIO_BLK_S_IOERR
  log.push_back(at(22, Kind::request));
  log.back().ordinal = 3;
  log.push_back(at(23, Kind::request));
  log.back().ordinal = 4;
  log.push_back(at(30, Kind::device_status));  // a reset: 2, 3 and 4 never complete
  const Wave wave(log);
  const auto lane = [&](unsigned number) {
    return wave.changes.at(fmt::format("ringside.disk0.queue0.in_flight_requests.lane{:02}", number));
  };
  using Changes = std::multimap<std::uint64_t, std::string>;
  EXPECT_EQ(lane(0), (Changes{{10, "IN\\0400\\040+512\\040#0"},
                              {21, "IOERR"},
                              {22, "IN\\0400\\040+0\\040#3"},
                              {30, "never\\040completed"}}));
  EXPECT_EQ(
      lane(1),
      (Changes{
          {11, "IN\\0408\\040+512\\040#1"}, {20, ""}, {23, "IN\\0400\\040+0\\040#4"}, {30, "never\\040completed"}}));
  EXPECT_EQ(lane(2), (Changes{{12, "IN\\04016\\040+512\\040#2"}, {30, "never\\040completed"}}));
  EXPECT_EQ(wave.last("disk0.queue0.in_flight"), "0");
  EXPECT_FALSE(wave.types.contains("ringside.disk0.queue0.in_flight_requests.lane03")) << "three are all it takes";
}

TEST(WaveTest, LanesEndSomewhere) {
  std::vector<Record> log{at(1, Kind::queue_enabled)};
  for (std::uint32_t i = 0; i < 1000; ++i) {
    log.push_back(at(10, Kind::request));
    log.back().ordinal = i;
  }
  const Wave wave(log);
  EXPECT_EQ(wave.last("disk0.queue0.in_flight"), fmt::format("{:b}", 1000));
  EXPECT_EQ(std::count_if(wave.types.begin(), wave.types.end(),
                          [](const auto& type) { return type.first.find(".lane") != std::string::npos; }),
            64);
}

TEST(WaveTest, AFileThatCannotBeWrittenIsAnError) {
  EXPECT_THROW(write_vcd("/nowhere/x.vcd", {}, {}), FileError);
  EXPECT_THROW(write_vcd("/dev/full", {}, one_request()), FileError);
}

// What a signal was when, and what it is of. Which change comes first among those of one time is not what a wave says.
void expect_same(const Wave& left, const Wave& right) {
  EXPECT_EQ(left.types, right.types);
  for (const auto& [name, changes] : left.changes) {
    const auto other = right.changes.find(name);
    ASSERT_TRUE(other != right.changes.end()) << name;
    EXPECT_TRUE(changes == other->second) << name;
  }
  EXPECT_EQ(left.changes.size(), right.changes.size());
}

class FstWaveTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!fst_missing().empty()) {
      GTEST_SKIP() << fst_missing();
    }
  }

  // GTKWave's own reader turns it back into VCD.
  void expect_same_as_vcd(const std::vector<Record>& log) const {
    write_fst(directory_.file("w.fst"), log);
    EXPECT_EQ(directory_.files(), 1u) << "only the wave is left";
    fst_as_vcd(directory_.file("w.fst"), directory_.file("back.vcd"));
    std::ifstream text(directory_.file("back.vcd"));
    expect_same(Wave(log), Wave(text));
    std::filesystem::remove(directory_.file("back.vcd"));
  }

  Directory directory_;
};

TEST_F(FstWaveTest, EqualsTheVcdWhenConvertedBack) { expect_same_as_vcd(one_request()); }

TEST_F(FstWaveTest, TextOfAnyBytesComesBack) {
  std::vector<Record> log = one_request();
  log.push_back(at(80, Kind::log_line));
  split_text("a b\\c\n\xff 'quoted' \"twice\" really? \x01 and so on", [&](Record piece) {
    piece.time = 80;
    log.push_back(piece);
  });
  expect_same_as_vcd(log);
}

// Disks, queues, vectors and lanes that appear long after the first change; sections that the writer has closed.
TEST_F(FstWaveTest, SignalsMayAppearLate) {
  std::vector<Record> log;
  for (std::uint32_t i = 0; i < 8'000; ++i) {
    log.push_back(at(10 + 2 * std::uint64_t{i}, Kind::request));
    log.back().unit = static_cast<std::uint8_t>(i / 2'000);
    log.back().queue = static_cast<std::uint16_t>(i / 1'000 % 3);
    log.back().ordinal = i;
    log.push_back(at(11 + 2 * std::uint64_t{i}, Kind::completion));
    log.back().unit = static_cast<std::uint8_t>(i / 2'000);
    log.back().queue = static_cast<std::uint16_t>(i / 1'000 % 3);
    log.back().ordinal = i % 7 == 0 ? i + 1 : i;
    log.push_back(at(11 + 2 * std::uint64_t{i}, Kind::interrupt));
    log.back().offset = i / 1'600;
    log.back().value = i;
  }
  expect_same_as_vcd(log);
}

TEST_F(FstWaveTest, TheSameLogMakesTheSameFile) {
  write_fst(directory_.file("a.fst"), one_request());
  write_fst(directory_.file("b.fst"), one_request());
  const auto contents = [&](const char* name) {
    std::ifstream file(directory_.file(name), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_EQ(contents("a.fst"), contents("b.fst"));
}

TEST_F(FstWaveTest, AFileThatCannotBeWrittenIsAnErrorAndADeviceStays) {
  EXPECT_THROW(write_fst("/nowhere/x.fst", one_request()), FileError);
  ASSERT_EQ(::mkfifo(directory_.file("fifo").c_str(), 0600), 0);
  EXPECT_THROW(write_fst(directory_.file("fifo"), one_request()), FileError);
  EXPECT_TRUE(std::filesystem::is_fifo(directory_.file("fifo")));
}

}  // namespace
}  // namespace ringside::trace
