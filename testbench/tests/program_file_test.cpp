// The format of scenario files: what they say comes back as it was, and each mistake is told with its line.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <ostream>
#include <string>

#include "driver/virtio/spec.h"
#include "testbench/programs/program.h"
#include "testbench/programs/random_program.h"
#include "testbench/scenarios/program_table.h"
#include "testbench/trace/file_error.h"

namespace ringside::programs {
namespace {

using namespace scenarios;

std::string file_with(const std::string& steps) {
  return "program = 1\nsummary = \"s\"\nsteps = [\n" + steps + "\n]\n";
}

std::string complaint_about(const std::string& text, const std::string& path = "dir/a-b.toml") {
  try {
    (void)parse_program(text, path);
  } catch (const trace::FileError& problem) {
    return problem.what();
  }
  return "none";
}

TEST(ProgramFile, SaysWhatTheScenarioIs) {
  const Program program = parse_program(
      "program = 1\nsummary = \"a summary\"\nclause = \"2.7.5\"\nmachine = \"q35\"\n"
      "devices = [\"packed=on\", \"\"]\ndisk_sectors = 4096\nsteps = [\n  {do = \"open\"},\n\n  {do = "
      "\"shutdown\"},\n]\n",
      "dir/a-b.toml");
  EXPECT_EQ(program.name, "a-b");
  EXPECT_EQ(program.file, "dir/a-b.toml");
  EXPECT_EQ(program.summary, "a summary");
  EXPECT_EQ(program.clause, "2.7.5");
  EXPECT_EQ(program.machine, "q35");
  EXPECT_EQ(program.devices, (std::vector<std::string>{"packed=on", ""}));
  EXPECT_EQ(program.disk_sectors, 4096u);
  ASSERT_EQ(program.steps.size(), 2u);
  EXPECT_EQ(program.steps[0].line, 8u);
  EXPECT_EQ(program.steps[1].line, 10u);
  EXPECT_EQ(program.steps[0].op, Op::open);
  EXPECT_EQ(program.steps[1].op, Op::shutdown);
}

TEST(ProgramFile, ArgumentsAreNumbersAndWhatIsNotSaidIsDefault) {
  const Program program = parse_program(
      file_with("{do = \"open\", completion = \"polled\", without = [\"EVENT_IDX\", \"MQ\"], check_requests = false},\n"
                "{do = \"desc\", index = 3, address = \"buffer:5+16\", length = 512, flags = [\"NEXT\", \"WRITE\"]},\n"
                "{do = \"desc\", address = \"used:2-0x8\", flags = 32},\n"
                "{do = \"desc\", address = \"0xfffffffffffffff8\"}"),
      "a.toml");
  const Step& open = program.steps[0];
  EXPECT_EQ(open.args[OpenArgs::completion], 2u);
  EXPECT_EQ(open.args[OpenArgs::without], std::uint64_t{1} << 29 | std::uint64_t{1} << 12);
  EXPECT_EQ(open.args[OpenArgs::check_requests], 0u);
  EXPECT_EQ(open.args[OpenArgs::timeout_ms], 5000u);
  EXPECT_EQ(open.given, 1u << OpenArgs::completion | 1u << OpenArgs::without | 1u << OpenArgs::check_requests);
  const Step& desc = program.steps[1];
  EXPECT_EQ(desc.args[DescArgs::address], 16u);
  EXPECT_EQ(desc.args[DescArgs::base], base_word(Base::buffer, 5));
  EXPECT_EQ(desc.args[DescArgs::flags], 3u);
  EXPECT_EQ(program.steps[2].args[DescArgs::address], ~std::uint64_t{7});
  EXPECT_EQ(program.steps[2].args[DescArgs::base], base_word(Base::used, 2));
  EXPECT_EQ(program.steps[2].args[DescArgs::flags], 32u);
  EXPECT_EQ(program.steps[3].args[DescArgs::address], ~std::uint64_t{7});
  EXPECT_EQ(program.steps[3].args[DescArgs::base], 0u);
}

struct Mistake {
  const char* name;
  std::string text;
  const char* line;
  const char* said;
};
std::ostream& operator<<(std::ostream& out, const Mistake& mistake) { return out << mistake.name; }

class ProgramFileMistake : public ::testing::TestWithParam<Mistake> {};

TEST_P(ProgramFileMistake, IsToldWithItsLine) {
  const std::string said = complaint_about(GetParam().text);
  EXPECT_EQ(said.rfind(std::string("dir/a-b.toml:") + GetParam().line + ": ", 0), 0u) << said;
  EXPECT_NE(said.find(GetParam().said), std::string::npos) << said;
  EXPECT_EQ(said.find('\n'), std::string::npos) << said;
}

INSTANTIATE_TEST_SUITE_P(
    Of, ProgramFileMistake,
    ::testing::Values(
        Mistake{"syntax", "program = 1\nsummary = \n", "2", "value"},
        Mistake{"no_version", "summary = \"s\"\n", "1", "expected program = 1"},
        Mistake{"another_version", "\nprogram = 2\n", "2", "expected 1"},
        Mistake{"no_summary", "program = 1\n", "1", "summary"},
        Mistake{"summary_of_two_lines", "program = 1\nsummary = \"a\\nb\"\n", "2", "one line"},
        Mistake{"unknown_key", "program = 1\nmachin = \"pc\"\n", "2", "did you mean \"machine\"?"},
        Mistake{"unknown_machine", "program = 1\nsummary = \"s\"\nmachine = \"vax\"\n", "3", "\"pc\" or \"q35\""},
        Mistake{"devices_no_list", "program = 1\nsummary = \"s\"\ndevices = \"packed=on\"\n", "3",
                "a list of at most 4"},
        Mistake{"device_no_text", "program = 1\nsummary = \"s\"\ndevices = [1]\n", "3", "packed=on"},
        Mistake{"disk_of_nothing", "program = 1\nsummary = \"s\"\ndisk_sectors = 0\n", "3", "from 1 to"},
        Mistake{"no_steps", "program = 1\nsummary = \"s\"\n", "1", "1 to 4096 steps"},
        Mistake{"steps_empty", "program = 1\nsummary = \"s\"\nsteps = []\n", "3", "1 to 4096 steps"},
        Mistake{"step_no_table", file_with("7"), "4", "{do = \"NAME\", ...}"},
        Mistake{"step_without_do", file_with("{sector = 1}"), "4", "without do"},
        Mistake{"unknown_step", file_with("{do = \"open\"},\n{do = \"reed\", sector = 1}"), "5",
                "did you mean \"read\"?"},
        Mistake{"unknown_argument", file_with("{do = \"read\", sektor = 1}"), "4", "did you mean \"sector\"?"},
        Mistake{"argument_of_none", file_with("{do = \"reset\", disk = 1}"), "4", "nothing but do"},
        Mistake{"missing_argument", file_with("{do = \"read\"}"), "4", "without sector"},
        Mistake{"number_too_large", file_with("{do = \"read\", sector = 1, sectors = 4000}"), "4", "from 0 to 2048"},
        Mistake{"number_negative", file_with("{do = \"read\", sector = -1}"), "4", "sector: expected a number"},
        Mistake{"number_no_number", file_with("{do = \"read\", sector = \"7\"}"), "4", "sector: expected a number"},
        Mistake{"switch_no_switch", file_with("{do = \"flush\", batch = 1}"), "4", "true or false"},
        Mistake{"unknown_word", file_with("{do = \"open\", completion = \"poled\"}"), "4", "did you mean \"polled\"?"},
        Mistake{"word_no_word", file_with("{do = \"open\", completion = 1}"), "4", "one of msix, intx, polled"},
        Mistake{"unknown_bit", file_with("{do = \"status\", value = [\"DRIVER_KO\"]}"), "4",
                "did you mean \"DRIVER_OK\"?"},
        Mistake{"bit_no_name", file_with("{do = \"status\", value = [1]}"), "4", "a list of ACKNOWLEDGE"},
        Mistake{"address_of_nothing", file_with("{do = \"desc\", address = \"bufer:1\"}"), "4", "buffer:N+OFFSET"},
        Mistake{"address_too_far", file_with("{do = \"desc\", address = \"buffer:32\"}"), "4", "buffer:N+OFFSET"},
        Mistake{"address_and_more", file_with("{do = \"desc\", address = \"buffer:1+2x\"}"), "4", "buffer:N+OFFSET"},
        Mistake{"two_names_for_one", file_with("{do = \"put\", buffer = 0, value = 1, address = \"buffer:1\"}"), "4",
                "once"},
        Mistake{"found_no_table", "program = 1\nsummary = \"s\"\nsteps = [{do = \"open\"}]\nfound = 3\n", "4",
                "{left = \"TARGET\""},
        Mistake{"found_what", "program = 1\nsummary = \"s\"\nsteps = [{do = \"open\"}]\nfound = {lefd = \"model\"}\n",
                "4", "did you mean \"left\"?"},
        Mistake{"found_seed", "program = 1\nsummary = \"s\"\nsteps = [{do = \"open\"}]\nfound = {seed = -1}\n", "4",
                "seed: expected a number"},
        Mistake{"found_devices",
                "program = 1\nsummary = \"s\"\nsteps = [{do = \"open\"}]\nfound = {devices = \"packed=on\"}\n", "4",
                "devices: expected a list"},
        Mistake{"deep", file_with("[[[[[[[[[[1]]]]]]]]]]"), "4", "deep"}),
    [](const auto& instance) { return std::string(instance.param.name); });

TEST(ProgramFile, ItsNameNamesTheScenario) {
  const std::string text = file_with("{do = \"open\"}");
  EXPECT_NE(complaint_about(text, "with space.toml").find("names the scenario"), std::string::npos);
  EXPECT_NE(complaint_about(text, std::string(61, 'a') + ".toml").find("at most 60"), std::string::npos);
  EXPECT_EQ(parse_program(text, "/somewhere/x.y.toml").name, "x.y");
}

TEST(ProgramFile, ThatCannotBeReadIsNamed) {
  EXPECT_THROW((void)load_program("/nonexistent/a.toml"), trace::FileError);
  EXPECT_THROW((void)load_program("/dev"), trace::FileError);
}

TEST(ProgramFile, TooManyStepsAreRefused) {
  std::string steps;
  for (std::uint32_t i = 0; i <= kMostSteps; ++i) {
    steps += "{do = \"poll\"},\n";
  }
  EXPECT_NE(complaint_about(file_with(steps)).find("1 to 4096"), std::string::npos);
}

// But for the line, which a step has in a file alone.
bool same(Step one, Step other) {
  one.line = other.line = 0;
  return std::memcmp(&one, &other, sizeof(Step)) == 0;
}

TEST(ProgramFile, HowItWasFoundIsReadBack) {
  Program program = random_program({1, 0, {}}, 3);
  EXPECT_FALSE(parse_program(print_program(program), "a.toml").found.has_value());
  Finding found;
  found.left = "model,strict";
  found.right = "model";
  found.seed = ~std::uint64_t{0};
  found.machine = "q35";
  found.devices = {"packed=on", "queue-size=8"};
  found.disks = {"a.img"};
  found.settings = {"latency.media_read_ns=7"};
  found.waivers = "w.toml";
  found.signature = "diverge: the \"value\" differs";
  found.version = "0.1.0";
  program.found = found;
  const std::string text = print_program(program);
  const std::optional<Finding> again = parse_program(text, "a.toml").found;
  ASSERT_TRUE(again.has_value()) << text;
  EXPECT_EQ(again->left, found.left);
  EXPECT_EQ(again->right, found.right);
  EXPECT_EQ(again->seed, found.seed);
  EXPECT_EQ(again->machine, found.machine);
  EXPECT_EQ(again->devices, found.devices);
  EXPECT_EQ(again->disks, found.disks);
  EXPECT_EQ(again->settings, found.settings);
  EXPECT_EQ(again->waivers, found.waivers);
  EXPECT_EQ(again->signature, found.signature);
  EXPECT_EQ(again->version, found.version);
}

// Every step, each argument at its limits.
TEST(ProgramFile, WhatIsPrintedIsReadBack) {
  Program program;
  program.name = "all";
  program.summary = "quotes \" and \\";
  program.clause = "2.7";
  program.devices = {"serial=a\\b", "packed=on"};
  program.disk_sectors = 64;
  for (const OpRow& row : all_ops()) {
    program.steps.push_back(step_of(row.op));
    for (const Param& param : row) {
      Step step = step_of(row.op);
      for (const Param& each : row) {
        if (each.required || &each == &param) {
          step.args[each.slot] = each.kind == ParamKind::choice ? each.words.first[0].value : each.most;
          step.given = static_cast<std::uint16_t>(step.given | 1u << each.slot);
        }
      }
      if (param.kind == ParamKind::address) {
        step.args[param.slot + 1] = base_word(Base::available, 3);
      }
      program.steps.push_back(step);
    }
  }
  // A step that lacks what it must have is not to be read; those are the bare ones of rows with such arguments.
  std::erase_if(program.steps, [](const Step& step) {
    const OpRow* const row = row_of(step.op);
    return std::any_of(row->begin(), row->end(),
                       [&](const Param& param) { return param.required && (step.given >> param.slot & 1) == 0; });
  });
  const std::string text = print_program(program);
  const Program back = parse_program(text, "all.toml");
  EXPECT_EQ(back.summary, program.summary);
  EXPECT_EQ(back.devices, program.devices);
  ASSERT_EQ(back.steps.size(), program.steps.size());
  for (std::size_t i = 0; i < back.steps.size(); ++i) {
    EXPECT_TRUE(same(back.steps[i], program.steps[i])) << "step " << i + 1 << " of\n" << text;
  }
}

TEST(RandomProgram, MakesSenseIsReadBackAndIsTheSameAgain) {
  for (std::uint64_t index = 0; index < 200; ++index) {
    const RandomMix mix{7, 0, {index % 2 == 0}};
    const Program program = random_program(mix, index);
    const std::string text = print_program(program);
    const Program back = parse_program(text, program.name + ".toml");
    ASSERT_EQ(back.steps.size(), program.steps.size());
    for (std::size_t i = 0; i < back.steps.size(); ++i) {
      ASSERT_TRUE(makes_sense(program.steps[i])) << index << ", step " << i + 1;
      ASSERT_TRUE(same(back.steps[i], program.steps[i])) << index << ", step " << i + 1;
    }
    EXPECT_EQ(text, print_program(random_program(mix, index)));
  }
}

// What they look at, and whether they go on waiting, must not be a matter of time.
TEST(RandomProgram, AnIllegalOneDoesNotRaceWithTheDevice) {
  std::size_t looks = 0;
  std::size_t status_writes = 0;
  for (std::uint64_t index = 0; index < 300; ++index) {
    for (const Step& step : random_program({7, 100, {}}, index).steps) {
      if (step.op == Op::peek || step.op == Op::hash) {
        ++looks;
        ASSERT_EQ(step.args[BufferArgs::when], static_cast<std::uint64_t>(Look::used)) << index;
      }
      if (step.op == Op::register_write && step.args[RegisterArgs::offset] == virtio::VIRTIO_PCI_COMMON_STATUS) {
        ++status_writes;
        ASSERT_EQ(step.args[RegisterArgs::value] & virtio::VIRTIO_CONFIG_S_NEEDS_RESET, 0u) << index;
      }
    }
  }
  EXPECT_GT(looks, 0u);
  EXPECT_GT(status_writes, 0u);
}

TEST(RandomProgram, DiffersBySeedAndIndex) {
  const auto text = [](std::uint64_t seed, std::uint64_t index) {
    return print_program(random_program({seed, 0, {}}, index));
  };
  EXPECT_NE(text(1, 0), text(1, 1));
  EXPECT_NE(text(1, 0), text(2, 0));
}

}  // namespace
}  // namespace ringside::programs
