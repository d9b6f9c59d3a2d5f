// The guest's image as those want it who load it: QEMU's CPU at reset, a Multiboot loader, a debugger.
#include "testbench/targets/guest_image.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "testbench/guest/mailbox.h"
#include "testbench/targets/target.h"
#include "testbench/tests/qemu_fixture.h"
#include "testbench/trace/memory_log.h"

namespace ringside::targets {
namespace {

template <class T>
std::optional<T> at(ImageBytes bytes, std::size_t offset) {
  if (offset > bytes.size() || sizeof(T) > bytes.size() - offset) {
    return std::nullopt;
  }
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

class GuestImageTest : public testing::Test {
 protected:
  void SetUp() override {
    if (guest_image().elf.empty()) {
      GTEST_SKIP() << "built without the guest's image";
    }
  }
};

// QEMU takes firmware by 64 KiB; the CPU starts 16 bytes below its end (Intel SDM, volume 3, 10.1.4).
TEST_F(GuestImageTest, TheRomBeginsWithAJumpAtTheResetVector) {
  const ImageBytes rom = guest_image().rom;
  EXPECT_EQ(rom.size() % (64u << 10), 0u);
  const auto instruction = at<std::uint8_t>(rom, rom.size() - 16);
  ASSERT_TRUE(instruction.has_value());
  EXPECT_TRUE(*instruction == 0xe9 || *instruction == 0xeb) << int{*instruction};
}

// A descriptor that is not marked as accessed is marked by the CPU, which a ROM does not take: some virtual CPUs try
// for ever. The marks are bits 40 of the two segments.
TEST_F(GuestImageTest, TheRomsSegmentsAreMarkedAsAccessed) {
  const ImageBytes rom = guest_image().rom;
  const std::string_view text(reinterpret_cast<const char*>(rom.data()), rom.size());
  constexpr std::string_view kCode("\xff\xff\x00\x00\x00\x9b\xcf\x00", 8);
  const std::size_t code = text.rfind(kCode);
  ASSERT_NE(code, std::string_view::npos);
  EXPECT_EQ(text.substr(code + kCode.size(), 8), std::string_view("\xff\xff\x00\x00\x00\x93\xcf\x00", 8));
}

// Multiboot 0.6.96, 3.1.1: the header lies in the first 8192 bytes, aligned to 4, and its three words add up to 0.
TEST_F(GuestImageTest, TheKernelIsWhatAMultibootLoaderTakes) {
  const ImageBytes kernel = guest_image().kernel;
  const auto header = at<Elf32_Ehdr>(kernel, 0);
  ASSERT_TRUE(header.has_value());
  EXPECT_EQ(std::memcmp(header->e_ident, ELFMAG, SELFMAG), 0);
  EXPECT_EQ(header->e_ident[EI_CLASS], ELFCLASS32);
  EXPECT_EQ(header->e_machine, EM_386);
  EXPECT_EQ(header->e_entry, guest::kImageBase);
  constexpr std::uint32_t kMultiboot = 0x1badb002;
  std::optional<std::uint32_t> sum;
  for (std::size_t offset = 0; offset < 8192 - 12 && !sum; offset += 4) {
    if (at<std::uint32_t>(kernel, offset) == kMultiboot) {
      sum = kMultiboot + *at<std::uint32_t>(kernel, offset + 4) + *at<std::uint32_t>(kernel, offset + 8);
    }
  }
  EXPECT_EQ(sum, 0u);
}

TEST_F(GuestImageTest, LiesBetweenItsBaseAndTheMailbox) {
  const ImageBytes elf = guest_image().elf;
  const auto header = at<Elf64_Ehdr>(elf, 0);
  ASSERT_TRUE(header.has_value());
  std::uint64_t bytes = 0;
  for (unsigned i = 0; i < header->e_phnum; ++i) {
    const auto segment = at<Elf64_Phdr>(elf, header->e_phoff + i * sizeof(Elf64_Phdr));
    ASSERT_TRUE(segment.has_value());
    if (segment->p_type == PT_LOAD) {
      EXPECT_GE(segment->p_paddr, guest::kImageBase);
      EXPECT_LE(segment->p_paddr + segment->p_memsz, guest::kMailboxBase);
      bytes += segment->p_memsz;
    }
  }
  EXPECT_GT(bytes, 0u);
}

class GuestPanicTest : public QemuTest {
 protected:
  void SetUp() override {
    QemuTest::SetUp();
    if (!IsSkipped() && guest_image().rom.empty()) {
      GTEST_SKIP() << "built without the guest's image";
    }
  }
};

// What the guest's own code gives up at is told with the place that gave up, not with panic() itself.
TEST_F(GuestPanicTest, IsToldWithThePlaceThatGaveUp) {
  const scenarios::Scenario stranger{"of-another-program", "the image does not have it", [](scenarios::Context&) {}};
  const RunSettings settings;
  trace::MemoryLog log;
  const RunResult result = make_target(TargetSpec::parse("guest"), settings)->run(stranger, settings, log);
  EXPECT_EQ(result.outcome, Outcome::error);
  EXPECT_TRUE(result.reason.starts_with("the guest crashed: the mailbox names a scenario that the image does not have"))
      << result.reason;
  const std::string first_line = result.reason.substr(0, result.reason.find('\n'));
  EXPECT_NE(first_line.find("(testbench/guest/scenario_work.cpp:"), std::string::npos) << result.reason;
}

}  // namespace
}  // namespace ringside::targets
