// `--device`: what it takes, what it refuses and how it says so, and how it becomes a machine.
#include "testbench/targets/device_properties.h"

#include <gtest/gtest.h>

#include <string>

#include "testbench/scenarios/context.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/qemu_command_line.h"
#include "testbench/targets/target.h"

namespace ringside::targets {
namespace {

using model::OnOffAuto;

model::BlkProperties properties_of(const std::string& text) {
  model::BlkProperties properties;
  DeviceProperties::parse(text).apply_to(properties);
  return properties;
}

// What the settings are refused with; "taken" when they are not.
std::string refusal(const RunSettings& settings) {
  try {
    (void)plan_machine(settings);
  } catch (const InputError& problem) {
    return problem.what();
  }
  return "taken";
}

std::string refusal(const std::string& device, const std::string& machine = "pc") {
  RunSettings settings;
  settings.machine = machine;
  settings.devices = {device};
  return refusal(settings);
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

RunSettings with_devices(const std::vector<std::string>& devices, const std::string& machine = "pc") {
  RunSettings settings;
  settings.machine = machine;
  settings.devices = devices;
  return settings;
}

TEST(DevicePropertiesTest, EveryKindOfValueArrives) {
  const auto properties = properties_of(
      "packed=on,event_idx=off,disable-legacy=on,num-queues=4,queue-size=0x40,logical_block_size=4k,"
      "opt_io_size=1M,serial=a,,b,bus=port2,addr=1f.7,multifunction=on,vectors=0,secure-erase=on,size_max=65536");
  EXPECT_TRUE(properties.packed);
  EXPECT_FALSE(properties.event_idx);
  EXPECT_EQ(properties.disable_legacy, OnOffAuto::on);
  EXPECT_EQ(properties.num_queues, 4);
  EXPECT_EQ(properties.queue_size, 64);
  EXPECT_EQ(properties.logical_block_size, 4096u);
  EXPECT_EQ(properties.opt_io_size, 1u << 20);
  EXPECT_EQ(properties.serial, "a,b");
  EXPECT_EQ(properties.place.bus, "port2");
  EXPECT_EQ(properties.place.device, 0x1f);
  EXPECT_EQ(properties.place.function, 7);
  EXPECT_TRUE(properties.place.multifunction);
  EXPECT_EQ(properties.vectors, 0);
  EXPECT_TRUE(properties.secure_erase);
  EXPECT_EQ(properties.size_max, 65536u);
}

TEST(DevicePropertiesTest, TheFirstWordMayNameTheDevice) {
  EXPECT_TRUE(properties_of("virtio-blk-pci,packed=on").packed);
  EXPECT_TRUE(DeviceProperties::parse("ide").ide());
  EXPECT_TRUE(contains(refusal("packed=on,ide"), "\"ide\" is no property"));
}

TEST(DevicePropertiesTest, MistakesAreNamedInOneLineWithWhatWasExpected) {
  const std::pair<const char*, const char*> kMistakes[] = {
      {"num_queues=4", "did you mean \"num-queues\""},
      {"paked=on", "did you mean \"packed\""},
      {"packed", "expected NAME=VALUE"},
      {"=on", "expected NAME=VALUE"},
      {"packed=on,", "expected NAME=VALUE"},
      {"packed=maybe", "expected on or off"},
      {"packed=on,packed=off", "given twice"},
      {"disable-legacy=yes", "expected on, off or auto"},
      {"num-queues=0", "expected 1 to 64"},
      {"num-queues=65", "expected 1 to 64"},
      {"num-queues=1k", "expected 1 to 64"},
      {"queue-size=18446744073709551616", "expected 2 to 32768"},
      {"queue-size=100", "power of two"},
      {"logical_block_size=4G", "expected 512 to 2097152"},
      {"logical_block_size=1000,physical_block_size=4096", "powers of two"},
      {"logical_block_size=4096,physical_block_size=512", "less than logical_block_size"},
      {"opt_io_size=100", "multiples of logical_block_size"},
      {"serial=more-than-twenty-characters", "at most 20"},
      {"addr=20.0", "expected DEVICE.FUNCTION"},
      {"addr=4.8", "expected DEVICE.FUNCTION"},
      {"addr=", "expected DEVICE.FUNCTION"},
      {"addr=01.0", "board's own"},
      {"addr=09.3", "no function 0"},
      {"bus=isa", "expected one of root"},
      {"bus=port0", "expected --machine q35"},
      {"disable-legacy=on,disable-modern=on", "neither a legacy interface nor a modern one"},
      {"iommu_platform=on", "needs disable-legacy=on"},
  };
  for (const auto& [device, expected] : kMistakes) {
    const std::string problem = refusal(device);
    EXPECT_TRUE(contains(problem, expected)) << device << ": " << problem;
    EXPECT_FALSE(contains(problem, "\n")) << problem;
  }
  EXPECT_TRUE(contains(refusal("ide", "q35"), "no IDE controller"));
  EXPECT_TRUE(contains(refusal("bus=port0,addr=01.0", "q35"), "only device 0"));
}

TEST(DevicePropertiesTest, APhysicalBlockIsAtLeastALogicalOne) {
  const MachinePlan plan = plan_machine(with_devices({"logical_block_size=4096"}));
  EXPECT_EQ(plan.disks[0].properties.physical_block_size, 4096u);
}

TEST(MachinePlanTest, DisksGetPlacesAndSerialsOfTheirOwn) {
  const MachinePlan plan = plan_machine(with_devices({"", "", "bus=port1", "bus=bridge0"}, "q35"));
  EXPECT_EQ(plan.type, "pc-q35-7.2");
  ASSERT_EQ(plan.disks.size(), 4u);
  EXPECT_EQ(plan.disks[0].properties.place.device, 4);
  EXPECT_EQ(plan.disks[1].properties.place.device, 6);
  EXPECT_EQ(plan.disks[2].properties.place.device, 0);
  EXPECT_EQ(plan.disks[3].properties.place.device, 4);
  EXPECT_EQ(plan.disks[1].properties.serial, "ringside-1");
  EXPECT_EQ(plan.root_ports(), 2u) << "port0 comes before port1";
  EXPECT_TRUE(plan.has_bridge());
}

TEST(MachinePlanTest, TheLogNumbersDisksAsAScanMeetsThem) {
  const MachinePlan plan = plan_machine(with_devices({"bus=bridge0", "bus=port0", "addr=08.0", "addr=06.0"}, "q35"));
  EXPECT_EQ(discovery_order(plan), (std::vector<unsigned>{3, 2, 1, 0}));
}

TEST(MachinePlanTest, TwoDisksInOnePlaceAreRefused) {
  EXPECT_TRUE(contains(refusal(with_devices({"addr=06.0", "addr=06.0"})), "two disks"));
  EXPECT_TRUE(contains(refusal(with_devices({"addr=06.0", "addr=06.1"})), "multifunction=on"));
  EXPECT_EQ(refusal(with_devices({"addr=06.0,multifunction=on", "addr=06.1"})), "taken");
  EXPECT_TRUE(contains(refusal(with_devices({"", "", "", "", ""})), "at most 4"));
}

TEST(MachinePlanTest, TheCommandLineCountsBeforeTheScenario) {
  const scenarios::Scenario scenario{"s", "", nullptr, {nullptr, {"packed=on,num-queues=2"}}};
  const ScenarioPlan plan = plan_scenario(scenario, with_devices({"num-queues=8,discard=off"}));
  EXPECT_EQ(plan.gap, "");
  EXPECT_TRUE(plan.machine.disks[0].properties.packed);
  EXPECT_EQ(plan.machine.disks[0].properties.num_queues, 8);
  EXPECT_FALSE(plan.machine.disks[0].properties.discard);
}

TEST(MachinePlanTest, AContradictionBetweenThemIsAGapAndNoMistake) {
  const scenarios::Scenario scenario{"s", "", nullptr, {nullptr, {"disable-modern=on"}}};
  EXPECT_TRUE(contains(plan_scenario(scenario, with_devices({"disable-legacy=on"})).gap, "do not go together"));
}

TEST(MachinePlanTest, AScenarioForAnotherMachineIsAGap) {
  const scenarios::Scenario scenario{"s", "", nullptr, {"q35", {}}};
  EXPECT_TRUE(contains(plan_scenario(scenario, with_devices({})).gap, "for the machine q35"));
  RunSettings any;
  any.machine = "";
  EXPECT_EQ(settings_for(scenario, any).machine, "pc-q35-7.2") << "unless no machine was asked for";
}

TEST(MachinePlanTest, WhatEveryScenarioWantsIsAMachine) {
  for (const scenarios::Scenario& scenario : scenarios::all_scenarios()) {
    RunSettings any;
    any.machine = "";
    EXPECT_EQ(plan_scenario(scenario, settings_for(scenario, any)).gap, "") << scenario.name;
  }
}

TEST(DeviceTextTest, QemuGetsItsOwnPropertiesAndNoOthers) {
  const MachinePlan plan =
      plan_machine(with_devices({"packed=on,read_only=on,queue-size=0x40,serial=a,,b,bus=port0", ""}, "q35"));
  const std::string text = device_text(plan, 0);
  EXPECT_TRUE(text.starts_with("virtio-blk-pci,id=vd0,drive=disk0,")) << text;
  for (const std::string part : {",bus=port0,addr=00.0,", ",packed=on", ",queue-size=64", ",serial=a,,b,"}) {
    EXPECT_TRUE(contains(text + ",", part)) << text;
  }
  EXPECT_FALSE(contains(text, "read_only")) << text;
  EXPECT_TRUE(contains(device_text(plan, 1), "bus=pcie.0,addr=06.0")) << device_text(plan, 1);
}

}  // namespace
}  // namespace ringside::targets
