// Programs on the model: what each step does, and that no step that makes no sense does harm.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "testbench/programs/program_scenario.h"
#include "testbench/scenarios/program_table.h"
#include "testbench/targets/target.h"
#include "testbench/trace/memory_log.h"
#include "testbench/trace/text.h"

namespace ringside::programs {
namespace {

using namespace scenarios;
using targets::Outcome;

struct Ran {
  targets::RunResult result;
  std::vector<trace::Record> log;

  // What was observed under this name; -1 when it was not.
  [[nodiscard]] std::int64_t observed(const std::string& name) const {
    for (std::size_t i = 0; i < log.size(); ++i) {
      if (log[i].kind == trace::Kind::observe && trace::text_at(log, i + 1) == name) {
        return static_cast<std::int64_t>(log[i].value);
      }
    }
    return -1;
  }
  [[nodiscard]] std::size_t count(trace::Kind kind) const {
    return static_cast<std::size_t>(std::ranges::count(log, kind, &trace::Record::kind));
  }
};

Ran run(Program program) {
  const ProgramScenario scenario(std::move(program));
  targets::RunSettings settings;
  const auto target = targets::make_target(targets::TargetSpec::parse("model"), settings);
  trace::MemoryLog log;
  Ran ran;
  ran.result = target->run(scenario.scenario(), settings, log);
  ran.log = log.take();
  return ran;
}

Ran run_steps(const std::string& steps, const std::string& devices = "") {
  return run(parse_program("program = 1\nsummary = \"s\"\ndisk_sectors = 4096\ndevices = [\"" + devices +
                               "\"]\nsteps = [\n" + steps + "\n]\n",
                           "test.toml"));
}

const std::string kRawQueue =
    "{do = \"find\"},\n{do = \"negotiate\"},\n{do = \"queue\", size = 8},\n"
    "{do = \"status\", value = [\"ACKNOWLEDGE\", \"DRIVER\", \"FEATURES_OK\", \"DRIVER_OK\"]},\n";  // steps 1 to 4

TEST(ProgramRun, WhatIsWrittenIsRead) {
  const Ran ran = run_steps(
      "{do = \"open\", completion = \"polled\"},\n{do = \"write\", sector = 8, sectors = 16, fill = 7, segments = 3},\n"
      "{do = \"read\", sector = 10, sectors = 3, expect_fill = 7, shift = 1},\n"
      "{do = \"write_zeroes\", sector = 8, sectors = 8},\n{do = \"read\", sector = 8, sectors = 8, expect_zero = "
      "true},\n"
      "{do = \"flush\"},\n{do = \"get_id\"},\n{do = \"info\"},\n{do = \"counters\"},\n{do = \"shutdown\"}");
  EXPECT_EQ(ran.result.outcome, Outcome::held) << ran.result.reason;
  EXPECT_EQ(ran.observed("line 7: status"), 0);
  EXPECT_EQ(ran.observed("line 13: sectors"), 4096);
}

TEST(ProgramRun, AReadThatFindsSomethingElseFails) {
  const std::string before = "{do = \"open\"},\n{do = \"write\", sector = 8, sectors = 2, fill = 7},\n";
  const Ran other_key = run_steps(before + "{do = \"read\", sector = 8, sectors = 2, expect_fill = 8}");
  EXPECT_EQ(other_key.result.reason, "line 8: what was written is read");
  const Ran other_sector = run_steps(before + "{do = \"read\", sector = 9, sectors = 2, expect_fill = 7}");
  EXPECT_EQ(other_sector.result.reason, "line 8: what was written is read");
  const Ran no_zeroes = run_steps(before + "{do = \"read\", sector = 8, expect_zero = true}");
  EXPECT_EQ(no_zeroes.result.reason, "line 8: zeroes are read");
}

TEST(ProgramRun, ABatchIsSentWithOneDoorbellAndCheckedInItsOrder) {
  const Ran ran = run_steps(
      "{do = \"open\", completion = \"polled\"},\n{do = \"write\", sector = 0, fill = 1, batch = true},\n"
      "{do = \"write\", sector = 1, fill = 2, batch = true},\n{do = \"flush\", batch = true},\n{do = \"submit\"},\n"
      "{do = \"wait\", count = 1},\n{do = \"finish\"},\n{do = \"read\", sector = 1, expect_fill = 2}");
  EXPECT_EQ(ran.result.outcome, Outcome::held) << ran.result.reason;
  EXPECT_EQ(ran.count(trace::Kind::doorbell), 2u);
  EXPECT_EQ(ran.observed("line 9: status"), 0);
}

TEST(ProgramRun, AnExpectedFailureHoldsAndAnUnexpectedOneDoesNot) {
  EXPECT_EQ(run_steps("{do = \"open\"},\n{do = \"read\", sector = 4096, expect = \"refused\"}").result.outcome,
            Outcome::held);
  EXPECT_EQ(run_steps("{do = \"open\", check_requests = false},\n"
                      "{do = \"read\", sector = 4096, expect = \"io_error\"}")
                .result.outcome,
            Outcome::held);
  EXPECT_EQ(run_steps("{do = \"open\"},\n{do = \"read\", sector = 4096}").result.reason,
            "line 7: the request ends as expected");
}

TEST(ProgramRun, OpensAgainWithOtherOptions) {
  const Ran ran = run_steps(
      "{do = \"open\", queue_size = 16, transport = \"legacy\"},\n{do = \"write\", sector = 3, fill = 9},\n"
      "{do = \"shutdown\"},\n{do = \"open\", queue_size = 16, without = [\"EVENT_IDX\"]},\n{do = \"info\"},\n"
      "{do = \"read\", sector = 3, expect_fill = 9}");
  EXPECT_EQ(ran.result.outcome, Outcome::held) << ran.result.reason;
  EXPECT_EQ(ran.observed("line 10: queue size"), 16);
  EXPECT_EQ(ran.observed("line 10: features") >> 29 & 1, 0);
}

// A random program found that the driver waited here for ever: what queue 2 had no room for kept back what queue 0 was
// waited for.
TEST(ProgramRun, AFullQueueDoesNotHoldUpAnother) {
  const Ran ran = run_steps(
      "{do = \"open\", queues = 3, queue_size = 2},\n"
      "{do = \"write\", sector = 0, sectors = 3, queue = 2, segments = 2, batch = true},\n"
      "{do = \"read\", sector = 8, queue = 2, batch = true},\n{do = \"submit\"},\n"
      "{do = \"read\", sector = 16, segments = 2}",
      "num-queues=3");
  EXPECT_EQ(ran.result.outcome, Outcome::held) << ran.result.reason;
}

TEST(ProgramRun, ARawRequestOnASplitRing) {
  const Ran ran = run_steps(
      kRawQueue +
      "{do = \"buffer\", buffer = 0, size = 16},\n{do = \"buffer\", buffer = 1, size = 512, fill = 5},\n"
      "{do = \"buffer\", buffer = 2, size = 1, byte = 0xff},\n{do = \"header\", buffer = 0, type = \"OUT\", sector = "
      "2},\n"
      "{do = \"desc\", index = 0, address = \"buffer:0\", length = 16, flags = [\"NEXT\"], next = 1},\n"
      "{do = \"desc\", index = 1, address = \"buffer:1\", length = 512, flags = [\"NEXT\"], next = 2},\n"
      "{do = \"desc\", index = 2, address = \"buffer:2\", length = 1, flags = [\"WRITE\"]},\n"
      "{do = \"publish\", head = 0},\n{do = \"notify\"},\n{do = \"await\", expect = \"used\"},\n"
      "{do = \"used\", slot = 0, id = 0},\n{do = \"peek\", buffer = 2, expect = 0},\n"
      "{do = \"check_fill\", buffer = 1, length = 512, fill = 5},\n{do = \"hash\", buffer = 1, length = 512},\n"
      "{do = \"reset\"}");
  EXPECT_EQ(ran.result.outcome, Outcome::held) << ran.result.reason;
  EXPECT_EQ(ran.count(trace::Kind::request), 1u);
  EXPECT_EQ(ran.count(trace::Kind::completion), 1u);
  EXPECT_EQ(ran.observed("line 21: bytes"), 0);
}

TEST(ProgramRun, ARawRequestOnAPackedRingByATable) {
  const Ran ran = run_steps(
      "{do = \"find\"},\n{do = \"negotiate\", features = [\"VERSION_1\", \"RING_PACKED\", \"INDIRECT_DESC\"]},\n"
      "{do = \"queue\", size = 4, ring = \"packed\"},\n"
      "{do = \"status\", value = [\"ACKNOWLEDGE\", \"DRIVER\", \"FEATURES_OK\", \"DRIVER_OK\"]},\n"
      "{do = \"buffer\", buffer = 0, size = 600, byte = 0xff},\n{do = \"buffer\", buffer = 1, size = 48},\n"
      "{do = \"header\", buffer = 0, type = \"IN\", sector = 2},\n"
      "{do = \"desc\", table = 1, index = 0, address = \"buffer:0\", length = 16},\n"
      "{do = \"desc\", table = 1, index = 1, address = \"buffer:0+16\", length = 512, flags = [\"WRITE\"]},\n"
      "{do = \"desc\", table = 1, index = 2, address = \"buffer:0+528\", length = 1, flags = [\"WRITE\"]},\n"
      "{do = \"desc\", index = 0, address = \"buffer:1\", length = 48, id = 3, flags = [\"INDIRECT\", \"AVAIL\"]},\n"
      "{do = \"notify\"},\n{do = \"await\", expect = \"used\"},\n{do = \"used\", slot = 0, id = 3},\n"
      "{do = \"peek\", buffer = 0, offset = 528, expect = 0}",
      "packed=on");
  EXPECT_EQ(ran.result.outcome, Outcome::held) << ran.result.reason;
  EXPECT_EQ(ran.count(trace::Kind::completion), 1u);
}

TEST(ProgramRun, ARawRequestOnALegacyQueue) {
  const Ran ran = run_steps(
      "{do = \"find\", access = \"legacy\"},\n{do = \"negotiate\"},\n{do = \"queue\"},\n"
      "{do = \"status\", value = [\"ACKNOWLEDGE\", \"DRIVER\", \"DRIVER_OK\"]},\n"
      "{do = \"buffer\", buffer = 0, size = 64, byte = 0xff},\n{do = \"header\", buffer = 0, type = \"GET_ID\"},\n"
      "{do = \"desc\", index = 5, address = \"buffer:0\", length = 16, flags = [\"NEXT\"], next = 6},\n"
      "{do = \"desc\", index = 6, address = \"buffer:0+16\", length = 20, flags = [\"NEXT\", \"WRITE\"], next = 7},\n"
      "{do = \"desc\", index = 7, address = \"buffer:0+36\", length = 1, flags = [\"WRITE\"]},\n"
      "{do = \"publish\", head = 5},\n{do = \"notify\"},\n{do = \"await\", expect = \"used\"},\n"
      "{do = \"peek\", buffer = 0, offset = 36, expect = 0},\n{do = \"register_read\", register = "
      "\"legacy.queue_size\"}");
  EXPECT_EQ(ran.result.outcome, Outcome::held) << ran.result.reason;
  EXPECT_EQ(ran.observed("line 19: value"), 256);
}

TEST(ProgramRun, ADoorbellNobodyRangIsAwaitedInVain) {
  const Ran ran = run_steps(kRawQueue + "{do = \"await\", timeout_us = 1000, expect = \"used\"}");
  EXPECT_EQ(ran.result.reason, "line 10: what was awaited happens");
  EXPECT_EQ(ran.observed("line 10: outcome"), static_cast<std::int64_t>(Awaited::nothing));
}

// Time would decide what it finds. A doorbell makes what was found before no news of what is sent now.
TEST(ProgramRun, ALookAtWhatWasUsedWaitsForThat) {
  const std::string buffer = "{do = \"buffer\", buffer = 0, size = 64, byte = 7},\n";
  const std::string looks =
      "{do = \"peek\", buffer = 0, when = \"used\"},\n{do = \"hash\", buffer = 0, length = 64, when = \"used\"},\n"
      "{do = \"peek\", buffer = 0}";
  const Ran in_vain = run_steps(kRawQueue + buffer + "{do = \"await\", timeout_us = 1000},\n" + looks);
  EXPECT_EQ(in_vain.observed("line 12: bytes"), -1);
  EXPECT_EQ(in_vain.observed("line 13: hash"), -1);
  EXPECT_EQ(in_vain.observed("line 14: bytes"), 7);

  const std::string request =
      "{do = \"header\", buffer = 0, type = \"GET_ID\"},\n"
      "{do = \"desc\", index = 0, address = \"buffer:0\", length = 16, flags = [\"NEXT\"], next = 1},\n"
      "{do = \"desc\", index = 1, address = \"buffer:0+16\", length = 21, flags = [\"WRITE\"]},\n"
      "{do = \"publish\", head = 0},\n{do = \"notify\"},\n{do = \"await\", expect = \"used\"},\n";
  const Ran used = run_steps(kRawQueue + buffer + request + looks);
  EXPECT_EQ(used.result.outcome, Outcome::held) << used.result.reason;
  EXPECT_EQ(used.observed("line 17: bytes"), 8);
  EXPECT_NE(used.observed("line 18: hash"), -1);
  const Ran rung = run_steps(kRawQueue + buffer + request + "{do = \"notify\"},\n" + looks);
  EXPECT_EQ(rung.observed("line 18: bytes"), -1);
}

TEST(ProgramRun, AChainThatLoopsBreaksTheDeviceAndNotTheBench) {
  const Ran ran =
      run_steps(kRawQueue +
                "{do = \"buffer\", buffer = 0, size = 16},\n{do = \"header\", buffer = 0, type = \"IN\"},\n"
                "{do = \"desc\", index = 0, address = \"buffer:0\", length = 16, flags = [\"NEXT\"], next = 0},\n"
                "{do = \"publish\", head = 0},\n{do = \"notify\"},\n{do = \"await\", expect = \"needs_reset\"}");
  EXPECT_EQ(ran.result.outcome, Outcome::held) << ran.result.reason;
}

TEST(ProgramRun, RegistersAndConfigurationSpace) {
  const Ran ran = run_steps(
      "{do = \"find\", bus_master = false},\n{do = \"config_read\", offset = 4, width = 2, mask = 4, expect = 0},\n"
      "{do = \"config_write\", offset = 4, width = 2, value = 7},\n{do = \"config_read\", offset = 4, width = 2, mask "
      "= 4, expect = 4},\n"
      "{do = \"register_read\", register = \"device.capacity\", expect = 4096},\n"
      "{do = \"register_read\", structure = \"common\", offset = 0x18, width = 2, expect = 256},\n"
      "{do = \"config_read\", function = 0, offset = 0, expect = 0x12378086},\n{do = \"delay\", ns = 1000}");
  EXPECT_EQ(ran.result.outcome, Outcome::held) << ran.result.reason;
}

// One step each that asks for what is not there: told, and nothing else happens.
TEST(ProgramRun, WhatMakesNoSenseIsAFailedCheck) {
  const std::vector<std::pair<std::string, std::string>> senseless = {
      {"{do = \"read\", sector = 0}", "line 6: the disk is open"},
      {"{do = \"shutdown\"}", "line 6: the disk is open"},
      {"{do = \"open\"},\n{do = \"open\"}", "line 7: the disk is not open yet"},
      {"{do = \"register_read\", register = \"isr.status\"}", "line 6: a device has been found"},
      {"{do = \"queue\"}", "line 6: a device has been found"},
      {"{do = \"publish\"}", "line 6: the queue is set up"},
      {"{do = \"peek\", buffer = 1}", "line 6: the buffer exists"},
      {"{do = \"buffer\", buffer = 1, size = 8},\n{do = \"peek\", buffer = 1, offset = 1, width = 8}",
       "line 7: the bytes lie in the buffer"},
      {"{do = \"buffer\", buffer = 1, size = 8},\n{do = \"header\", buffer = 1, type = 0}",
       "line 7: the bytes lie in the buffer"},
      {"{do = \"buffer\", buffer = 1, size = 8, align = 3}", "line 6: size and alignment make sense"},
      {"{do = \"find\"},\n{do = \"register_read\", structure = \"common\", offset = 1, width = 2}",
       "line 7: the register can be accessed so"},
      {"{do = \"find\"},\n{do = \"register_read\", structure = \"common\", offset = 0xffffff00}",
       "line 7: the register can be accessed so"},
      {"{do = \"find\"},\n{do = \"queue\", size = 0}", "line 7: there is memory for the queue"},
      {kRawQueue + "{do = \"desc\", index = 8}", "line 10: the descriptor lies in the table"},
      {kRawQueue + "{do = \"avail\", slot = 8, head = 0}", "line 10: the entry lies in the ring"},
      {kRawQueue + "{do = \"used\", slot = 8}", "line 10: the element lies in the ring"},
      {kRawQueue + "{do = \"desc\", address = \"buffer:3\"}", "line 10: what the address counts from is there"},
      {kRawQueue + "{do = \"notify\", offset = 0xfffffff0}", "line 10: there is a doorbell"}};
  for (const auto& [steps, reason] : senseless) {
    const Ran ran = run_steps(steps);
    EXPECT_EQ(ran.result.outcome, Outcome::failed) << steps;
    EXPECT_EQ(ran.result.reason, reason) << steps;
  }
}

// Steps that no parser made, as shared memory could hold them.
TEST(ProgramRun, StepsThatNoFileCanSayAreRefused) {
  for (const OpRow& row : all_ops()) {
    for (const Param& param : row) {
      if (param.most == ~std::uint64_t{0} || param.kind == ParamKind::address) {
        continue;
      }
      Step step = step_of(row.op);
      step.args[param.slot] = param.kind == ParamKind::choice ? 0x1234'5678'9abc : param.most + 1;
      EXPECT_FALSE(makes_sense(step)) << row.name << " " << param.name;
    }
  }
  Program program = parse_program("program = 1\nsummary = \"s\"\nsteps = [{do = \"poll\"}]\n", "test.toml");
  program.steps[0].op = static_cast<Op>(200);
  EXPECT_EQ(run(program).result.reason, "line 3: the step makes sense");
  program.steps[0] = step_of(Op::desc);
  program.steps[0].args[DescArgs::base] = ~std::uint64_t{0};
  EXPECT_EQ(run(program).result.reason, "step 1: what the address counts from is there");
}

TEST(ProgramScenario, TellsPropertiesThatAreNoneWithTheFile) {
  Program program = parse_program(
      "program = 1\nsummary = \"s\"\ndevices = [\"pakced=on\"]\nsteps = [{do = \"poll\"}]\n", "dir/test.toml");
  try {
    const ProgramScenario scenario(program);
    FAIL();
  } catch (const std::runtime_error& problem) {
    EXPECT_EQ(std::string(problem.what()).rfind("dir/test.toml:", 0), 0u) << problem.what();
  }
}

}  // namespace
}  // namespace ringside::programs
