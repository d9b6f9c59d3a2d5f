// The JSON documents and files that other programs read.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "testbench/tests/cli_document.h"
#include "testbench/tests/cli_program.h"

namespace ringside::tests {
namespace {

using nlohmann::json;

TEST(CliDocuments, ListNamesScenariosAndTargets) {
  const ProgramResult result = run_program({"list", "--json"});
  EXPECT_EQ(result.status, 0);
  const json document = document_of(result);
  EXPECT_EQ(document["schema"], "ringside.list/1");
  EXPECT_GE(document["scenarios"].size(), 19u);
  EXPECT_EQ(document["targets"][0]["name"], "model");
  EXPECT_EQ(document["targets"][1]["name"], "qemu");
  EXPECT_EQ(document["targets"][2]["name"], "guest");
}

TEST(CliDocuments, ListSaysWhereEachScenarioRunsOrWhyNot) {
  const json document = document_of(run_program({"list", "--json"}));
  unsigned gaps = 0;
  for (const json& scenario : document["scenarios"]) {
    ASSERT_EQ(scenario["where"].size(), 2 * document["targets"].size()) << scenario["name"];
    for (const json& place : scenario["where"]) {
      EXPECT_EQ(place["runs"].get<bool>(), place["reason"].get<std::string>().empty()) << scenario["name"];
      gaps += place["runs"].get<bool>() ? 0 : 1;
    }
  }
  EXPECT_GT(gaps, 0u) << "some scenarios are for one machine only";
  EXPECT_GT(document["properties"].size(), 30u);
  EXPECT_GT(document["targets"][0]["settings"].size(), 5u);
}

TEST(CliDocuments, NothingButSkipsIsNoSuccess) {
  const ProgramResult result = run_program({"run", "ecam", "--machine", "pc", "--json"});
  EXPECT_EQ(result.status, 1);
  const json document = document_of(result);
  EXPECT_EQ(document["skip"], 1);
  EXPECT_EQ(document["scenarios"][0]["machine"], "pc-i440fx-7.2");
  EXPECT_NE(document["scenarios"][0]["reason"].get<std::string>().find("q35"), std::string::npos);
}

TEST(CliDocuments, AScenarioGetsTheMachineThatItIsFor) {
  const json document = document_of(run_program({"run", "ecam", "--json"}));
  EXPECT_EQ(document["scenarios"][0]["machine"], "pc-q35-7.2");
  EXPECT_EQ(document["held"], 1);
}

// QEMU's departures on one side only: the two diverge, and the command that shows it again names machine and device.
TEST(CliDocuments, AReproductionCommandCarriesMachineAndDevice) {
  const ProgramResult result = run_program({"compare", "get-id", "--left", "model", "--right", "model,quirks=qemu-7.2",
                                            "--machine", "q35", "--device", "num-queues=2"});
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.out.find("./ringside compare get-id --seed 1 --machine q35 --device num-queues=2"),
            std::string::npos)
      << result.out;
}

TEST(CliDocuments, RunGivesAVerdictForEachScenario) {
  const ProgramResult result = run_program({"run", "flush", "get-id", "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  const json document = document_of(result);
  EXPECT_EQ(document["schema"], "ringside.run/1");
  EXPECT_EQ(document["held"], 2);
  ASSERT_EQ(document["scenarios"].size(), 2u);
  for (const json& scenario : document["scenarios"]) {
    EXPECT_EQ(scenario["verdict"], "held");
    EXPECT_GT(scenario["records"], 0);
  }
}

TEST(CliDocuments, CompareGivesCountsOfEachClass) {
  const ProgramResult result = run_program({"compare", "flush", "--left", "model", "--right", "model", "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  const json document = document_of(result);
  EXPECT_EQ(document["schema"], "ringside.compare/1");
  for (const char* count : {"agree", "diverge", "skip", "errors"}) {
    EXPECT_TRUE(document[count].is_number_unsigned()) << count;
  }
  EXPECT_EQ(document["agree"], 1);
  const json& scenario = document["scenarios"][0];
  EXPECT_EQ(scenario["name"], "flush");
  EXPECT_EQ(scenario["verdict"], "agree");
  EXPECT_GT(scenario["exact"], 0);
  for (const char* field : {"reason", "ordered", "invariant", "waived", "quirks", "seconds", "first_divergence"}) {
    EXPECT_TRUE(scenario.contains(field)) << field;
  }
}

TEST(CliDocuments, BenchGivesModelFloorAndRatio) {
  const ProgramResult result =
      run_program({"bench", "read512_qd32", "--repetitions", "1", "--slice", "0.01", "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  const json document = document_of(result);
  ASSERT_EQ(document["benchmarks"].size(), 3u);
  EXPECT_EQ(document["benchmarks"][0]["name"], "model_read512_qd32");
  EXPECT_EQ(document["benchmarks"][1]["name"], "floor_read512_qd32");
  EXPECT_EQ(document["benchmarks"][2]["name"], "ratio_read512_qd32");
  for (const json& row : document["benchmarks"]) {
    EXPECT_GT(row["value"], 0.0);
    EXPECT_TRUE(row["unit"].is_string());
  }
}

TEST(CliDocuments, JunitHasOneCaseForEachScenario) {
  const TemporaryDirectory directory;
  const std::string file = directory.file("verdicts.xml");
  EXPECT_EQ(run_program({"run", "flush", "get-id", "--junit", file}).status, 0);
  const std::string text = contents_of(file);
  EXPECT_NE(text.find("tests=\"2\" failures=\"0\" errors=\"0\" skipped=\"0\""), std::string::npos) << text;
  EXPECT_NE(text.find("name=\"get-id\""), std::string::npos) << text;
}

TEST(CliDocuments, TracesOfSeveralScenariosGetTheirNames) {
  const TemporaryDirectory directory;
  EXPECT_EQ(run_program({"run", "flush", "get-id", "--trace", directory.file("t.rlog")}).status, 0);
  EXPECT_NE(contents_of(directory.file("t-flush.rlog")), "");
  EXPECT_NE(contents_of(directory.file("t-get-id.rlog")), "");
}

TEST(CliDocuments, ExportedWaveIsThatOfTheRun) {
  const TemporaryDirectory directory;
  EXPECT_EQ(
      run_program({"run", "flush", "--trace", directory.file("t.rlog"), "--wave", directory.file("run.vcd")}).status,
      0);
  EXPECT_EQ(run_program({"export", directory.file("t.rlog"), "--to", directory.file("export.vcd")}).status, 0);
  const std::string wave = contents_of(directory.file("run.vcd"));
  EXPECT_NE(wave.find("$enddefinitions"), std::string::npos);
  EXPECT_EQ(wave, contents_of(directory.file("export.vcd")));
}

// As many slices as the log has requests, and none without its end.
TEST(CliDocuments, ExportedTimelineIsThatOfTheRunAndHasAllRequests) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("t.jsonl");
  const ProgramResult run = run_program({"run", "batch", "--trace", log, "--timeline", directory.file("run.json")});
  ASSERT_EQ(run.status, 0) << run.err;
  const std::string timeline = contents_of(directory.file("run.json"));
  const json document = json::parse(timeline, nullptr, false);
  ASSERT_FALSE(document.is_discarded());
  std::map<std::string, std::size_t> events;
  for (const json& event : document["traceEvents"]) {
    ++events[event["ph"]];
  }
  EXPECT_EQ(events["B"], events["E"]);

  std::map<std::string, std::size_t> records;
  std::istringstream lines(contents_of(log));
  for (std::string line; std::getline(lines, line);) {
    const json record = json::parse(line);
    ++records[record.value("kind", "")];
  }
  EXPECT_GT(records["request"], 0u);
  EXPECT_EQ(document["otherData"]["requests"], records["request"]);
  EXPECT_EQ(document["otherData"]["requests_left_out"], 0);
  EXPECT_EQ(document["otherData"]["completions_left_out"], 0);
  EXPECT_EQ(events["B"], records["request"] + records["wait"] + records["dev_fetch"] + records["dev_media"]);

  EXPECT_EQ(run_program({"run", "batch", "--trace", directory.file("t.rlog")}).status, 0);
  EXPECT_EQ(run_program({"export", directory.file("t.rlog"), "--to", directory.file("export.json")}).status, 0);
  EXPECT_EQ(timeline, contents_of(directory.file("export.json")));
}

TEST(CliDocuments, DiffOfALogWithItselfAgrees) {
  const TemporaryDirectory directory;
  const std::string log = directory.file("t.rlog");
  EXPECT_EQ(run_program({"run", "read-write", "--trace", log}).status, 0);
  const ProgramResult result = run_program({"diff", log, log, "--json"});
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(document_of(result)["scenarios"][0]["verdict"], "agree");
}

TEST(CliDocuments, DiffOfDifferentSeedsDiverges) {
  const TemporaryDirectory directory;
  EXPECT_EQ(run_program({"run", "read-write", "--trace", directory.file("1.rlog")}).status, 0);
  EXPECT_EQ(run_program({"run", "read-write", "--seed", "2", "--trace", directory.file("2.rlog")}).status, 0);
  const ProgramResult result = run_program({"diff", directory.file("1.rlog"), directory.file("2.rlog"), "--json"});
  EXPECT_EQ(result.status, 1) << result.err;
  EXPECT_EQ(document_of(result)["scenarios"][0]["verdict"], "diverge");
}

}  // namespace
}  // namespace ringside::tests
