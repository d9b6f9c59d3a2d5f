// What a scenario is given. Freestanding: the same scenario source runs in the model, against QEMU and on a bare
// CPU. A scenario's requests depend on its seed, never on the order of completions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "driver/block/block_device.h"
#include "driver/block/open.h"
#include "driver/hal/machine.h"
#include "testbench/scenarios/program.h"

namespace ringside::scenarios {

// What only the bench can do. A mailbox: on a bare CPU these words travel through shared RAM.
enum class Ask : std::uint32_t {
  disk_sectors = 1,  // sectors of disk `argument`
  resize = 2,        // to `argument` sectors; 0 when the target cannot
  hold = 3,          // completions stay in the device until release
  release = 4,
  media_error = 5,  // the next request that touches sector `argument` fails
  unplug = 6,       // disk `argument` by surprise: from now on nothing answers there; 1 when done
  plug = 7,         // disk `argument` back into its slot, at power-on state; 1 when done
  calm = 8,         // no fault of the plan happens from now on; 1
};

// The bench's end of a context. Records everything.
class Bench {
 public:
  virtual void check(bool held, const char* what) = 0;
  virtual void observe(const char* what, std::uint64_t value) = 0;
  // kNotAvailable when this target cannot.
  [[nodiscard]] virtual std::uint64_t ask(Ask what, std::uint64_t argument) = 0;
  // Fast hash of bytes, the same one as in the log's payload hashes.
  [[nodiscard]] virtual std::uint64_t hash(const void* data, std::size_t size) = 0;

 protected:
  ~Bench() = default;
};
inline constexpr std::uint64_t kNotAvailable = ~std::uint64_t{0};

// splitmix64: small, fast, the same everywhere. No standard distribution: those differ between libraries.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  [[nodiscard]] std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // 0 .. bound-1; bound is not 0. Slightly biased, which no scenario minds.
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

using OpenDisk = block::BlockDevice* (*)(hal::Machine& machine, hal::Observer* observer, const block::Options& options);

class Context {
 public:
  Context(hal::Machine& machine, hal::Observer* observer, Bench& bench, OpenDisk open_disk, std::uint64_t seed,
          const Steps& steps = {})
      : machine_(machine), observer_(observer), bench_(bench), open_disk_(open_disk), random_(seed), steps_(steps) {}

  [[nodiscard]] hal::Machine& machine() { return machine_; }
  // For a scenario with a driver of its own: what its hal::Observed reports to. Null when nothing is traced.
  [[nodiscard]] hal::Observer* observer() { return observer_; }
  [[nodiscard]] Bench& bench() { return bench_; }
  [[nodiscard]] Random& random() { return random_; }
  // Of a scenario that is a program; else none.
  [[nodiscard]] const Steps& steps() const { return steps_; }

  // The disk, brought up, or null: for a scenario in which it need not come up.
  [[nodiscard]] block::BlockDevice* try_open(const block::Options& options = {}) {
    return open_disk_(machine_, observer_, options);
  }
  // The disk, brought up. Null after a failed check, on which the scenario returns.
  [[nodiscard]] block::BlockDevice* open(const block::Options& options = {}) {
    block::BlockDevice* const disk = try_open(options);
    check(disk != nullptr, "the disk comes up");
    return disk;
  }

  // Records whether it held; the scenario goes on where it can.
  bool check(bool held, const char* what) {
    bench_.check(held, what);
    return held;
  }
  // Records a value that must be the same in every world.
  void observe(const char* what, std::uint64_t value) { bench_.observe(what, value); }

 private:
  hal::Machine& machine_;
  hal::Observer* observer_;
  Bench& bench_;
  OpenDisk open_disk_;
  Random random_;
  Steps steps_;
};

inline constexpr unsigned kMostDisks = 4;

[[nodiscard]] constexpr unsigned asking(Ask what) { return 1u << static_cast<unsigned>(what); }

// The machine that a scenario needs. Device properties are those of `--device`, one text for each disk; what the
// command line says of a disk is merged over it.
struct Setup {
  const char* machine = nullptr;         // "pc" or "q35": only there; null: on any
  const char* devices[kMostDisks] = {};  // the first null ends the list; none at all: one disk as it comes
  std::uint64_t disk_sectors = 0;        // of generated disks; 0: the usual size
  unsigned asks = 0;                     // what it cannot do without, of what is asked of the bench: bits of asking()
  bool firmware = false;                 // started by the machine's own firmware, which only a CPU can run
};

struct Scenario {
  const char* name;     // as on the command line
  const char* summary;  // one line, for `ringside list`
  void (*run)(Context& context);
  Setup setup = {};
  Steps steps = {};            // of a program, with run_program
  const char* file = nullptr;  // where it came from; null: compiled in
};

// All scenarios, in the order in which they are best read.
struct ScenarioList {
  const Scenario* first;
  std::size_t count;
  [[nodiscard]] const Scenario* begin() const { return first; }
  [[nodiscard]] const Scenario* end() const { return first + count; }
};
[[nodiscard]] ScenarioList all_scenarios();

}  // namespace ringside::scenarios
