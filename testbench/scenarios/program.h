// A scenario that is data: a list of steps, which came out of a file. The same interpreter runs it on every target, so
// a program needs no rebuilding; docs/traces.md is its reference for people.
//
// A step is one operation with its arguments as numbers. What text there is in a file, the parser has resolved. On a
// bare CPU steps arrive through shared RAM (guest/mailbox.h), so this is a layout too.
#pragma once

#include <cstdint>
#include <type_traits>

namespace ringside::scenarios {

class Context;

// Numbered for good: guest images and stored corpora of fuzzers know them.
enum class Op : std::uint8_t {
  none = 0,

  // --- Through the driver's request API.
  open = 1,
  shutdown = 2,
  read = 3,
  write = 4,
  flush = 5,
  get_id = 6,
  get_lifetime = 7,
  discard = 8,
  write_zeroes = 9,
  secure_erase = 10,
  submit = 11,
  wait = 12,
  poll = 13,
  finish = 14,
  set_write_cache = 15,
  reset_queue = 16,
  info = 17,
  counters = 18,

  // --- Of the bench, and time.
  ask = 30,
  delay = 31,

  // --- Raw: what a driver would never send.
  find = 40,
  config_read = 41,
  config_write = 42,
  register_read = 43,
  register_write = 44,
  reset = 45,
  status = 46,
  negotiate = 47,
  queue = 48,
  buffer = 49,
  fill = 50,
  put = 51,
  header = 52,
  range = 53,
  desc = 54,
  avail = 55,
  avail_index = 56,
  publish = 57,
  suppress = 58,
  notify = 59,
  await = 60,
  used = 61,
  peek = 62,
  hash = 63,
  check_fill = 64,
};

inline constexpr unsigned kStepArgs = 14;
inline constexpr std::uint32_t kMostSteps = 4096;
inline constexpr std::uint32_t kMostBuffers = 32;

struct Step {
  Op op = Op::none;
  std::uint8_t reserved = 0;
  std::uint16_t given = 0;             // bit n: args[n] was said, and is no default
  std::uint32_t line = 0;              // in the file that it came out of, which messages name; 0: out of none
  std::uint64_t args[kStepArgs] = {};  // by the slots below
};
static_assert(sizeof(Step) == 120);
static_assert(std::is_trivially_copyable_v<Step>);

struct Steps {
  const Step* first = nullptr;
  std::uint32_t count = 0;
};

// --- What lies in which slot of Step::args. An address takes two: a number, and what it counts from (Base).

struct OpenArgs {
  enum : unsigned {
    disk,
    completion,
    transport,
    config,
    queues,
    vectors,
    queue_size,
    without,
    timeout_ms,
    check_requests,
    data_alignment,
    expect
  };
};
// Of every request, from read to secure_erase; each takes those that mean something to it.
struct RequestArgs {
  enum : unsigned {
    disk,
    sector,
    sectors,
    bytes,
    queue,
    segments,
    shift,
    fill,
    expect_fill,
    expect_zero,
    unmap,
    expect,
    batch
  };
};
// shutdown, submit, poll, finish, info, counters; and wait.
struct DiskArgs {
  enum : unsigned { disk, count, queue };
};
struct SettingArgs {  // set_write_cache, reset_queue
  enum : unsigned { disk, value, expect };
};
struct AskArgs {
  enum : unsigned { what, argument };
};
struct DelayArgs {
  enum : unsigned { ns };
};
struct FindArgs {
  enum : unsigned { disk, access, bus_master, config };
};
struct RegisterArgs {  // the config and the register steps
  enum : unsigned { known, structure, function, offset, width, value, base, expect, mask };
};
struct StatusArgs {
  enum : unsigned { value };
};
struct NegotiateArgs {
  enum : unsigned { features, expect };
};
struct QueueArgs {
  enum : unsigned { queue, size, ring, enable, vector };
};
struct BufferArgs {  // buffer, fill, put, peek, hash, check_fill
  enum : unsigned { buffer, offset, length, align, fill, sector, byte, width, value, base, expect, when };
};
struct HeaderArgs {
  enum : unsigned { buffer, offset, type, ioprio, sector };
};
struct RangeArgs {
  enum : unsigned { buffer, offset, sector, sectors, flags };
};
struct DescArgs {
  enum : unsigned { queue, table, offset, index, address, base, length, flags, next, id };
};
struct RingArgs {  // avail, avail_index, publish, suppress, notify
  enum : unsigned { queue, slot, head, value, add, flags, event, width, offset };
};
struct AwaitArgs {
  enum : unsigned { queue, count, until, timeout_us, expect };
};
struct UsedArgs {
  enum : unsigned { queue, slot, id, length };
};

// What an address counts from: a Base in the upper half, which one of them in the lower.
enum class Base : std::uint32_t { number, buffer, descriptors, available, used };
[[nodiscard]] constexpr std::uint64_t base_word(Base base, std::uint32_t which) {
  return std::uint64_t{static_cast<std::uint32_t>(base)} << 32 | which;
}

enum class Expected : std::uint64_t { yes, no, any };  // of open: up, down; of negotiate: accepted, refused
inline constexpr std::uint64_t kAnyStatus = 0xff;      // of requests: else a block::Status
enum class Awaited : std::uint64_t { used, needs_reset, nothing };  // what an await step found
inline constexpr std::uint64_t kAnyAwaited = 3;
enum class Look : std::uint64_t { always, used };     // of peek and hash; used: when the await before it found that
inline constexpr std::uint64_t kLegacyStructure = 6;  // beside VIRTIO_PCI_CAP_COMMON_CFG .. DEVICE_CFG

// Interprets the context's steps. Trusts none of them: what makes no sense is a failed check, never a wild access.
void run_program(Context& context);

}  // namespace ringside::scenarios
