// What bench and guest share: a mailbox and an event ring in guest RAM, and a port that rings at the bench. Compiled
// into both, so that neither can misread the other. All words are little-endian and written whole.
//
// The guest trusts the bench; the bench does not trust the guest, which may have gone wild: it reads each word once,
// checks it against the limits here, and follows no pointer but inside RAM.
#pragma once

#include <cstddef>
#include <cstdint>

#include "testbench/scenarios/program.h"
#include "testbench/trace/record.h"

namespace ringside::guest {

// --- Layout of guest RAM (256 MiB). The image lies at 1 MiB, where `-kernel` and our own ROM both put it.
inline constexpr std::uint64_t kImageBase = 1u << 20;
inline constexpr std::uint64_t kMailboxBase = 8u << 20;
inline constexpr std::uint64_t kEventsBase = 9u << 20;
inline constexpr std::uint64_t kEventCapacity = 1u << 16;  // records of 64 bytes: 4 MiB
inline constexpr std::uint64_t kProgramBase = 14u << 20;   // scenarios::Step[], as many as Mailbox::program_steps says
inline constexpr std::uint64_t kDmaBase = 16u << 20;       // DMA memory, as on the other targets
inline constexpr std::uint64_t kDmaEnd = 192u << 20;
inline constexpr std::uint64_t kPrivateEnd = 256u << 20;  // private memory of driver and tap from kDmaEnd to here

// The port that rings at the bench (isa-debugcon): one byte, a Ring. Rung rarely; the bench looks by itself as well.
// Not 0x402, at which firmware talks.
inline constexpr std::uint16_t kBellPort = 0xe9;
enum class Ring : std::uint8_t {
  events = 'e',  // the event ring is half full, or full and the guest waits
  asked = 'a',   // ask_sequence has moved
  ended = 'x',   // `state` is finished or crashed
};

inline constexpr std::uint64_t kMagic = 0x6564'6973'676e'6972;  // "ringside"
inline constexpr std::uint32_t kLayout = 2;

enum class Work : std::uint32_t { scenario = 0, bench = 1 };

enum class State : std::uint32_t {
  off = 0,       // as the bench left it
  started = 1,   // 64-bit C++ runs, the mailbox has been read
  finished = 2,  // the work is done, all events are in the ring
  crashed = 3,   // `crash` says how
};

// Deliberate mistakes, so that what is said of a crash can be tried out and tested.
enum class Mistake : std::uint32_t {
  none = 0,
  wild_pointer = 1,
  endless_loop = 2,
  stack_overflow = 3,
  masked_interrupts = 4,  // the CPU takes none: waits end at their deadlines
};

struct Registers {
  std::uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
  std::uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
  std::uint64_t rip, rflags, cr2, cr3;
  std::uint64_t vector;  // of the exception; kPanic when the guest's own code gave up
  std::uint64_t error;   // its error code
};
inline constexpr std::uint64_t kPanic = 0xffff;

// What Work::bench does: at least `requests` of `sectors` each, up to `depth` in flight, submitted `batch` at a time,
// which divides `depth`: one doorbell a batch.
struct BenchOrder {
  std::uint64_t requests;
  std::uint32_t depth;
  std::uint32_t batch;
  std::uint32_t sectors;
  std::uint32_t write;    // 0: reads
  std::uint32_t polled;   // 0: completion by MSI-X
  std::uint32_t counted;  // 1: `driver_ticks` are wanted, which costs time
};
struct BenchResult {
  std::uint64_t requests;
  std::uint64_t errors;
  std::uint64_t nanoseconds;  // by the guest's clock
  // By the time-stamp counter, which counts instructions under `-icount shift=0`:
  std::uint64_t driver_ticks;      // in the driver: submit(), and each poll() that completed something
  std::uint64_t known_loop_ticks;  // of a loop of kKnownLoopInstructions, so that the bench can tell what a tick is
};
inline constexpr std::uint64_t kKnownLoopInstructions = 2000;

struct Mailbox {
  // --- Written by the bench before power-on.
  std::uint64_t magic;
  std::uint32_t layout;
  Work work;
  char scenario[64];  // its name, ends in 0
  std::uint64_t seed;
  std::uint32_t tracing;  // targets::Tracing
  std::uint32_t is_q35;
  std::uint32_t disks;
  Mistake mistake;
  BenchOrder bench;
  // The trace::Event at which the guest calls ringside_debug_stop(); with kind 0 before the scenario. nth 0: never.
  std::uint16_t stop_kind;
  std::uint16_t stop_queue;
  std::uint32_t stop_unit;
  std::uint64_t stop_nth;
  // Of a scenario that came out of a file, which this image does not have: its steps lie at kProgramBase. 0: none.
  std::uint32_t program_steps;

  // --- Written by the guest.
  alignas(64) State state;
  std::uint32_t failed;           // 1: a check did not hold
  std::uint64_t events_produced;  // since start; its record lies at that number modulo kEventCapacity
  std::uint32_t ask_sequence;     // counts questions; the bench answers the newest
  std::uint32_t ask_what;         // scenarios::Ask
  std::uint64_t ask_argument;
  BenchResult bench_result;
  std::uint64_t ticks_per_microsecond;
  char crash_text[128];  // ends in 0
  Registers crash;

  // --- Written by the bench.
  alignas(64) std::uint64_t events_consumed;
  std::uint32_t answer_sequence;  // the question that was answered
  std::uint32_t reserved;
  std::uint64_t answer;
};
static_assert(sizeof(Mailbox) <= kEventsBase - kMailboxBase);
static_assert(kEventsBase + kEventCapacity * sizeof(trace::Record) <= kProgramBase);
static_assert(kProgramBase + scenarios::kMostSteps * sizeof(scenarios::Step) <= kDmaBase);

}  // namespace ringside::guest
