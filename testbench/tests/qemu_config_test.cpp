// Power-on state of the PC as QEMU 7.2 shows it without firmware: what this bench starts must be the machine that the
// model was made after, in every byte of the configuration space of all five functions.
#include <fmt/core.h>

#include <cstdint>
#include <map>
#include <vector>

#include "testbench/tests/qemu_fixture.h"

namespace ringside::targets {
namespace {

constexpr std::uint16_t kConfigAddress = 0xcf8;
constexpr std::uint16_t kConfigData = 0xcfc;
constexpr std::uint32_t kConfigEnable = 0x8000'0000;

using ConfigSpace = std::map<unsigned, std::uint32_t>;  // the dwords that are not zero

struct Function {
  const char* name;
  unsigned device;
  unsigned function;
  ConfigSpace config;
};

const std::vector<Function>& expected_functions() {
  static const std::vector<Function> functions{
      {"i440FX host bridge",
       0,
       0,
       {{0x00, 0x12378086}, {0x08, 0x06000002}, {0x2c, 0x11001af4}, {0x54, 0x20000000}, {0x70, 0x00020000}}},
      {"PIIX3 ISA bridge",
       1,
       0,
       {{0x00, 0x70008086},
        {0x04, 0x02000000},
        {0x08, 0x06010000},
        {0x0c, 0x00800000},
        {0x2c, 0x11001af4},
        {0x4c, 0x0003004d},
        {0x60, 0x80808080},
        {0x68, 0x00000200},
        {0x70, 0x00000080},
        {0x74, 0x0c0c0000},
        {0x78, 0x00000002},
        {0xa0, 0x00000008},
        {0xa8, 0x0000000f}}},
      {"PIIX3 IDE",
       1,
       1,
       {{0x00, 0x70108086}, {0x04, 0x02800000}, {0x08, 0x01018000}, {0x20, 0x00000001}, {0x2c, 0x11001af4}}},
      {"PIIX4 power management",
       1,
       3,
       {{0x00, 0x71138086},
        {0x04, 0x02800000},
        {0x08, 0x06800003},
        {0x2c, 0x11001af4},
        {0x3c, 0x00000100},
        {0x40, 0x00000001},
        {0x5c, 0x10000000},
        {0x60, 0x60000000},
        {0x90, 0x0000b101},
        {0xd0, 0x00090000}}},
      {"virtio block device", 4, 0, {{0x00, 0x10011af4}, {0x04, 0x00100000}, {0x08, 0x01000000}, {0x10, 0x00000001},
                                     {0x20, 0x0000000c}, {0x2c, 0x00021af4}, {0x34, 0x00000098}, {0x3c, 0x00000100},
                                     {0x40, 0x01100009}, {0x44, 0x00000004}, {0x4c, 0x00001000}, {0x50, 0x03104009},
                                     {0x54, 0x00000004}, {0x58, 0x00001000}, {0x5c, 0x00001000}, {0x60, 0x04105009},
                                     {0x64, 0x00000004}, {0x68, 0x00002000}, {0x6c, 0x00001000}, {0x70, 0x02146009},
                                     {0x74, 0x00000004}, {0x78, 0x00003000}, {0x7c, 0x00001000}, {0x80, 0x00000004},
                                     {0x84, 0x05147009}, {0x98, 0x00018411}, {0x9c, 0x00000001}, {0xa0, 0x00000801}}}};
  return functions;
}

std::uint32_t read_config(hal::Machine& machine, unsigned device, unsigned function, unsigned offset) {
  machine.out32(kConfigAddress, kConfigEnable | device << 11 | function << 8 | offset);
  return machine.in32(kConfigData);
}

class QemuConfigTest : public QemuTest {};

TEST_F(QemuConfigTest, FiveFunctionsAndNoMore) {
  QemuMachine machine = power_on();
  std::vector<std::string> found;
  for (unsigned device = 0; device < 32; ++device) {
    for (unsigned function = 0; function < 8; ++function) {
      if (read_config(machine, device, function, 0) != 0xffff'ffff) {
        found.push_back(fmt::format("{:02x}.{}", device, function));
      }
    }
  }
  EXPECT_EQ(found, (std::vector<std::string>{"00.0", "01.0", "01.1", "01.3", "04.0"}));
}

TEST_F(QemuConfigTest, EveryByteIsAsTheModelHasIt) {
  QemuMachine machine = power_on();
  for (const Function& function : expected_functions()) {
    ConfigSpace found;
    for (unsigned offset = 0; offset < 256; offset += 4) {
      if (const std::uint32_t value = read_config(machine, function.device, function.function, offset); value != 0) {
        found.emplace(offset, value);
      }
    }
    EXPECT_EQ(found, function.config) << function.name;
  }
}

TEST_F(QemuConfigTest, NarrowAndUnalignedPortAccesses) {
  QemuMachine machine = power_on();
  machine.out32(kConfigAddress, kConfigEnable);
  EXPECT_EQ(machine.in8(kConfigData), 0x86);
  EXPECT_EQ(machine.in16(kConfigData + 2), 0x1237);
  EXPECT_EQ(machine.in16(kConfigData + 1), 0x3780);
  EXPECT_EQ(machine.in32(0xc000), 0xffff'ffffu) << "nobody claims this port";
}

}  // namespace
}  // namespace ringside::targets
