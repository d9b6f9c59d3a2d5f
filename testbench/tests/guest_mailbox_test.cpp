// A guest that has gone wild may write anything anywhere in its RAM: the bench believes none of it, and does not follow
// it out of there.
#include "testbench/targets/guest_mailbox.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "testbench/scenarios/context.h"
#include "testbench/targets/dma_arena.h"
#include "testbench/targets/guest_crash.h"
#include "testbench/targets/guest_events.h"
#include "testbench/targets/guest_log.h"
#include "testbench/targets/guest_registers.h"
#include "testbench/targets/run_aborted.h"
#include "testbench/trace/memory_log.h"

namespace ringside::targets {
namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// The guest's side, played by the test.
class GuestRamTest : public testing::Test {
 protected:
  [[nodiscard]] guest::Mailbox& box() { return *reinterpret_cast<guest::Mailbox*>(ram_.data() + guest::kMailboxBase); }
  [[nodiscard]] trace::Record& slot(std::uint64_t number) {
    return reinterpret_cast<trace::Record*>(ram_.data() + guest::kEventsBase)[number % guest::kEventCapacity];
  }

  void produce(std::uint64_t count, trace::Kind kind = trace::Kind::doorbell) {
    for (std::uint64_t i = 0; i < count; ++i) {
      trace::Record record;
      record.kind = kind;
      record.value = box().events_produced;
      slot(box().events_produced) = record;
      ++box().events_produced;
    }
  }

  [[nodiscard]] std::string complaint() {
    try {
      events_.drain(log_);
    } catch (const RunAborted& problem) {
      return problem.what();
    }
    return "none";
  }

  void fill_with_garbage(std::uint64_t seed) {
    scenarios::Random random(seed);
    auto* const words = reinterpret_cast<std::uint64_t*>(ram_.data());
    for (std::uint64_t i = 0; i < ram_.bytes() / sizeof(std::uint64_t); i += 1 + random.below(3)) {
      words[i] = random.next() >> random.below(64);
    }
  }

  QemuRam ram_{kRamBytes};
  GuestMailbox mailbox_{ram_};
  GuestEvents events_{ram_};
  trace::MemoryLog log_;
};

TEST_F(GuestRamTest, EventsComeInOrderAcrossTheRingsEnd) {
  for (int round = 0; round < 3; ++round) {
    produce(guest::kEventCapacity - 1000);
    events_.drain(log_);
    EXPECT_EQ(box().events_consumed, box().events_produced);
  }
  const std::vector<trace::Record> records = log_.take();
  ASSERT_EQ(records.size(), 3 * (guest::kEventCapacity - 1000));
  for (std::size_t i = 0; i < records.size(); ++i) {
    ASSERT_EQ(records[i].value, i);
  }
}

TEST_F(GuestRamTest, MoreEventsThanTheRingHoldsAreALie) {
  box().events_produced = guest::kEventCapacity + 1;
  EXPECT_TRUE(contains(complaint(), "65537 events where 0 were taken")) << complaint();
  EXPECT_TRUE(log_.records().empty());
}

TEST_F(GuestRamTest, EventsThatAreTakenBackAreALie) {
  produce(10);
  events_.drain(log_);
  box().events_produced = 9;
  EXPECT_TRUE(contains(complaint(), "9 events where 10 were taken"));
}

// The bench's own count is what counts: the one in the mailbox lies where the guest can write.
TEST_F(GuestRamTest, WhatTheBenchHasTakenTheGuestCannotChange) {
  produce(10);
  events_.drain(log_);
  box().events_consumed = 1'000'000;
  produce(1);
  events_.drain(log_);
  EXPECT_EQ(log_.records().size(), 11u);
  EXPECT_EQ(box().events_consumed, 11u);
}

TEST_F(GuestRamTest, ARecordThatNoTapMakesEndsTheRun) {
  produce(3);
  slot(1).kind = static_cast<trace::Kind>(200);
  EXPECT_EQ(complaint(), "event 1 of the guest is none: kind 200, tap 2");
  EXPECT_EQ(log_.records().size(), 1u);
}

TEST_F(GuestRamTest, ARingThatWasNeverWrittenHoldsNoEvents) {
  box().events_produced = 1;
  EXPECT_EQ(complaint(), "event 0 of the guest is none: kind 0, tap 0");
}

TEST_F(GuestRamTest, GarbageEverywhereIsSurvived) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    fill_with_garbage(seed);
    EXPECT_NE(complaint(), "none") << "seed " << seed;
    EXPECT_LE(mailbox_.state(), guest::State::crashed);
    for (const char c : mailbox_.crash_text()) {
      EXPECT_TRUE(c >= ' ' && c <= '~');
    }
    const std::string report =
        crash_report("it broke", {ram_.data(), ram_.bytes()}, mailbox_.crash(), GuestSymbols({}));
    EXPECT_TRUE(report.starts_with("it broke, in 0x")) << report;
    EXPECT_LT(report.size(), 10'000u);
  }
}

TEST_F(GuestRamTest, AQuestionIsAnsweredOnce) {
  EXPECT_FALSE(mailbox_.question().has_value());
  box().ask_what = 2;
  box().ask_argument = 77;
  box().ask_sequence = 1;
  const auto question = mailbox_.question();
  ASSERT_TRUE(question.has_value());
  EXPECT_EQ(question->what, 2u);
  EXPECT_EQ(question->argument, 77u);
  mailbox_.answer(*question, 88);
  EXPECT_EQ(box().answer, 88u);
  EXPECT_EQ(box().answer_sequence, 1u);
  box().answer_sequence = 0;  // the guest's to write, and not the bench's to believe
  EXPECT_FALSE(mailbox_.question().has_value());
}

TEST_F(GuestRamTest, AnOrderFillsTheMailbox) {
  GuestOrder order;
  order.scenario = std::string(100, 'x');
  order.seed = 5;
  RunSettings settings;
  settings.machine = kQ35Type;
  mailbox_.order(order, plan_machine(settings));
  EXPECT_EQ(box().magic, guest::kMagic);
  EXPECT_EQ(box().seed, 5u);
  EXPECT_EQ(box().is_q35, 1u);
  EXPECT_EQ(box().disks, 1u);
  EXPECT_EQ(std::strlen(box().scenario), sizeof(box().scenario) - 1);
}

TEST_F(GuestRamTest, CallsAreFollowedUpTheStackAndNoFurther) {
  const auto frame = [this](std::uint64_t at, std::uint64_t caller, std::uint64_t address) {
    const std::uint64_t words[]{caller, address};
    std::memcpy(ram_.data() + at, words, sizeof words);
  };
  guest::Registers registers{};
  registers.rip = 0x1000;
  registers.rbp = 0x5000;
  frame(0x5000, 0x5100, 0x2001);
  frame(0x5100, 0x5000, 0x3001);  // back down: the chain is broken
  const std::span<const std::uint8_t> ram{ram_.data(), ram_.bytes()};
  EXPECT_EQ(call_chain(ram, registers), (std::vector<std::uint64_t>{0x1000, 0x2000, 0x3000}));
  for (const std::uint64_t wild : {kRamBytes - 8, kRamBytes, ~std::uint64_t{7}, std::uint64_t{0x5001}}) {
    registers.rbp = wild;
    EXPECT_EQ(call_chain(ram, registers), std::vector<std::uint64_t>{0x1000}) << wild;
  }
}

TEST(GuestLogTest, RemembersTheFirstFailureAndTheLastEvents) {
  trace::MemoryLog memory;
  GuestLog log(memory);
  const auto check = [&log](bool held, const std::string& name) {
    trace::Record record;
    record.kind = trace::Kind::check;
    record.value = held ? 1 : 0;
    log.append(record);
    trace::split_text(name, [&log](const trace::Record& piece) { log.append(piece); });
  };
  check(true, "the first");
  EXPECT_EQ(log.first_failure(), "");
  const std::string longest(100, 'y');
  check(false, longest);
  check(false, "the third");
  EXPECT_EQ(log.first_failure(), longest);
  const std::string events = log.last_events();
  EXPECT_EQ(std::count(events.begin(), events.end(), '\n'), 3) << events;
  EXPECT_EQ(memory.records().size(), 3u + 1 + 3 + 1);
}

TEST(GuestRegistersTest, AreReadFromWhatTheMonitorPrints) {
  const auto registers = parse_registers(
      "CPU#0\r\nRAX=0000000000800000 RBX=0000000000000002\r\nR8 =00000000000000ff R9 =0000000000000001\r\n"
      "RIP=0000000000102e52 RFL=00000246 [---Z-P-] CPL=0\r\nCR0=80000011 CR2=0000000000000010 "
      "CR3=00000000001cc000\r\n");
  ASSERT_TRUE(registers.has_value());
  EXPECT_EQ(registers->rax, 0x800000u);
  EXPECT_EQ(registers->r8, 0xffu);
  EXPECT_EQ(registers->rip, 0x102e52u);
  EXPECT_EQ(registers->rflags, 0x246u);
  EXPECT_EQ(registers->cr2, 0x10u);
  EXPECT_EQ(registers->r15, 0u);
  EXPECT_EQ(parse_registers("EAX=00000001 EBX=2\nEIP=0000fff0 EFL=00000002").value_or(guest::Registers{}).rip, 0xfff0u);
  EXPECT_FALSE(parse_registers("").has_value());
  EXPECT_FALSE(parse_registers("RIP=").has_value());
}

}  // namespace
}  // namespace ringside::targets
