// The model's disk against drivers that do anything at all: never a crash, a hang, an access outside what the bus
// grants, or more work in one doorbell than the rings hold; and after a reset and a proper bring-up it works as if
// nothing had happened. A seed that fails is run alone by RINGSIDE_HOSTILE_SEED=N.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iterator>

#include "testbench/scenarios/context.h"
#include "testbench/tests/model_bench.h"

namespace ringside::tests::model_tests {
namespace {

constexpr std::uint64_t kAllRam = 256u << 20;
constexpr std::uint64_t kAnywhere = ~std::uint64_t{0};  // where bus addresses are not those of RAM
constexpr std::size_t kMemoryBytes = 64u << 10;         // RawDisk's
constexpr std::uint64_t kMessages = 0xfee0'0000;
constexpr std::uint64_t kMessageBytes = 1u << 20;
constexpr unsigned kSteps = 400;  // of one attack

// --- What is attacked

constexpr std::uint64_t kMultiQueue = 1ull << 12;
constexpr std::uint64_t kLifetime = 1ull << 15;
constexpr std::uint64_t kSecureErase = 1ull << 16;
constexpr std::uint64_t kEventIndex = 1ull << 29;
constexpr std::uint64_t kAccessPlatform = 1ull << 33;
constexpr std::uint64_t kPacked = 1ull << 34;
constexpr std::uint64_t kInOrder = 1ull << 35;
constexpr std::uint64_t kNotificationData = 1ull << 38;

struct Variant {
  const char* machine;
  const char* device;
  std::uint64_t features = 0;  // besides kOfferedFeatures
};
constexpr Variant kVariants[] = {
    {"pc", "", 0},
    {"pc", "packed=on", kPacked},
    {"pc", "packed=on,in_order=on", kPacked | kInOrder},
    {"pc", "num-queues=4,vectors=3", kMultiQueue},
    {"pc", "in_order=on,notification_data=on", kInOrder | kNotificationData},
    {"pc", "secure_erase=on,lifetime=on", kSecureErase | kLifetime},
    {"q35", "", 0},
    {"q35", "num-queues=64,queue-size=1024", kMultiQueue},
    {"pc", "iommu_platform=on,disable-legacy=on", kAccessPlatform},
    {"pc", "iommu_platform=on,disable-legacy=on,packed=on", kAccessPlatform | kPacked},
};

// A program is a plain function: what it is to attack, and how, stands here.
struct Attack {
  std::uint64_t seed = 0;
  Variant variant = kVariants[0];
  [[nodiscard]] bool packed() const { return (variant.features & kPacked) != 0; }
};
Attack attack;

// --- What is seen of the device

// Judges each DMA as it happens. A range may be set outside which the device has no business.
class DmaJudge final : public trace::Sink {
 public:
  void append(const trace::Record& record) override {
    switch (record.kind) {
      case trace::Kind::dev_doorbell:
        since_doorbell_ = 0;
        break;
      case trace::Kind::dev_dma_read:
      case trace::Kind::dev_dma_write:
        judge(record);
        break;
      default:
        break;
    }
  }
  void grant(std::uint64_t address, std::uint64_t bytes) {
    granted_ = address;
    granted_bytes_ = bytes;
  }
  [[nodiscard]] std::uint64_t accesses() const { return accesses_; }
  [[nodiscard]] std::uint64_t most_per_doorbell() const { return most_; }

 private:
  void judge(const trace::Record& record) {
    ++accesses_;
    most_ = std::max(most_, ++since_doorbell_);
    const bool message =
        record.kind == trace::Kind::dev_dma_write && record.length == 4 && inside(record, kMessages, kMessageBytes);
    if (record.flags == 0 && !message) {
      EXPECT_TRUE(inside(record, granted_, granted_bytes_)) << std::hex << record.offset << " + " << record.length;
    }
  }
  [[nodiscard]] static bool inside(const trace::Record& record, std::uint64_t address, std::uint64_t bytes) {
    return record.offset >= address && record.length <= bytes && record.offset - address <= bytes - record.length;
  }

  std::uint64_t granted_ = 0;
  std::uint64_t granted_bytes_ = kAllRam;
  std::uint64_t accesses_ = 0;
  std::uint64_t since_doorbell_ = 0;
  std::uint64_t most_ = 0;
};
DmaJudge* judge = nullptr;  // of the run: a program is a plain function

// --- What an attacker makes up

class Attacker {
 public:
  explicit Attacker(scenarios::Context& context, RawDisk& disk)
      : machine_(context.machine()), bench_(context.bench()), disk_(disk), random_(attack.seed) {}

  void anything() {
    switch (below(20)) {
      case 9:
        return static_cast<void>(bench_.ask(scenarios::Ask::resize, 1 + below(4096)));
      case 10:
        return aim_interrupts();
      case 0:
        return config_access();
      case 1:
      case 2:
        return bar_access();
      case 3:
        return port_access();
      case 4:
        return set_queue_up();
      case 5:
        return write_status();
      case 6:
        return make_time_pass();
      case 7:
        return negotiate_anything();
      case 8:
        return raw_memory();
      default:
        return ring_attack();
    }
  }

  // Rings and chains only. Kept inside the memory that the driver owns when `contained`.
  void ring_attack() {
    switch (below(16)) {
      case 0:
        return write_table_entry();
      case 1:
        return disk_.publish(interesting16());
      case 2:
        return disk_.kick(index());
      case 3:
        return machine_.mmio_write16(kNotify + 4 * below(3), interesting16());
      case 4:
        return make_time_pass();
      case 5:
        return write_descriptor();
      default:
        return request();
    }
  }

  void contain() { contained_ = true; }

  // A driver that resets a device which asks for it, and now and then without being asked: else most of an attack would
  // hit a dead device.
  void revive() {
    if (!chance(24) && (disk_.status() & kNeedsReset) == 0) {
      return;
    }
    if (!contained_) {
      disk_.assign_resources();
    }
    begin();
  }

  void begin() {
    const std::uint64_t features = kOfferedFeatures | attack.variant.features;
    (void)disk_.negotiate(chance(2) ? features : features & ~(kEventIndex | kNotificationData));
    disk_.enable_queue();
    disk_.set_status(0x0f);
    slot_ = 0;
    wrap_ = true;
  }

 private:
  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }
  bool chance(std::uint64_t one_in) { return below(one_in) == 0; }

  std::uint64_t interesting64() {
    const std::uint64_t near = below(40);
    switch (below(10)) {
      case 0:
        return near;
      case 1:
        return kAllRam - near;
      case 2:
        return 0 - near;
      case 3:
        return (std::uint64_t{1} << below(64)) - near / 20;
      case 4:
        return kCommon + 0x1000 * below(4) + near;
      case 5:
        return kMessages + near;
      case 6:
        return (std::uint64_t{1} << 32) - near;
      default:
        return disk_.bus(below(kMemoryBytes));
    }
  }
  std::uint32_t interesting32() {
    static constexpr std::uint32_t kValues[] = {
        0,    1,        2,           15,          16,          17,          255,        256,
        257,  512,      1024,        0x7fff,      0x8000,      0xfffe,      0xffff,     0x10000,
        4096, 0x100000, 0x7fff'ffff, 0x8000'0000, 0xfff0'0000, 0xffff'fff0, 0xffff'ffff};
    return chance(4) ? static_cast<std::uint32_t>(random_.next()) : kValues[below(std::size(kValues))];
  }
  std::uint16_t interesting16() { return static_cast<std::uint16_t>(interesting32()); }
  std::uint16_t index() { return chance(6) ? interesting16() : static_cast<std::uint16_t>(below(RawDisk::kQueueSize)); }
  std::uint32_t length() {
    return chance(3) ? interesting32() : 16 * static_cast<std::uint32_t>(below(64)) + (chance(8) ? 1 : 0);
  }

  struct Range {
    std::uint64_t address;
    std::uint32_t size;
    std::uint16_t flags;
  };
  // A contained one that the device may write lies behind the rings, so that it cannot write itself a descriptor.
  Range range(bool table) {
    const auto flags = static_cast<std::uint16_t>(below(8) & (table ? ~RawDisk::kIndirect : 7));
    if (!contained_) {
      return {interesting64(), length(), chance(16) ? interesting16() : flags};
    }
    const std::size_t first = (flags & RawDisk::kWrite) != 0 ? RawDisk::kData : 0;
    const std::size_t offset = first + below(kMemoryBytes - first);
    return {disk_.bus(offset), static_cast<std::uint32_t>(below(kMemoryBytes - offset + 1)), flags};
  }

  // A good request, or one with something wrong in it.
  void request() {
    static constexpr std::uint32_t kTypes[] = {0, 1, 4, 8, 11, 13, 2, 3, 5, 10, 14, 0x8000'0000};
    const bool reads = chance(2);
    const auto sectors = static_cast<std::uint32_t>(1 + below(8));
    disk_.set_header(chance(8) ? interesting32() : kTypes[below(std::size(kTypes))],
                     chance(8) ? interesting64() : below(2048));
    Range pieces[] = {{disk_.bus(RawDisk::kHeader), 16, RawDisk::kNext},
                      {disk_.bus(RawDisk::kData), 512 * sectors,
                       static_cast<std::uint16_t>(RawDisk::kNext | (reads ? RawDisk::kWrite : 0))},
                      {disk_.bus(RawDisk::kData + 0x4000), 1, RawDisk::kWrite}};
    if (chance(3)) {
      Range& piece = pieces[below(std::size(pieces))];
      const Range other = range(false);
      piece = chance(2) ? other : Range{piece.address, std::min(piece.size, other.size), piece.flags};
    }
    if (chance(3)) {
      publish_table(pieces);
    } else if (attack.packed()) {
      publish_packed(pieces);
    } else {
      publish_split(pieces);
    }
  }

  using Pieces = Range[3];

  void publish_split(const Pieces& pieces) {
    for (unsigned i = 0; i < std::size(pieces); ++i) {
      const auto next = static_cast<std::uint16_t>(chance(24) ? index() : i + 1);
      disk_.set_descriptor(i, pieces[i].address, pieces[i].size, pieces[i].flags, next);
    }
    disk_.kick(chance(24) ? index() : std::uint16_t{0});
  }

  void publish_packed(const Pieces& pieces) {
    for (const Range& piece : pieces) {
      put_packed(piece);
    }
    machine_.mmio_write16(kNotify, 0);
  }

  void publish_table(const Pieces& pieces) {
    for (unsigned i = 0; i < std::size(pieces); ++i) {
      set_entry(i, pieces[i], static_cast<std::uint16_t>(chance(24) ? index() : i + 1));
    }
    const Range table{disk_.bus(RawDisk::kTable), chance(8) ? length() : 48, RawDisk::kIndirect};
    if (attack.packed()) {
      put_packed(table);
      machine_.mmio_write16(kNotify, 0);
    } else {
      disk_.set_descriptor(0, table.address, contained_ ? std::min(table.size, 4096u) : table.size, table.flags, 0);
      disk_.kick(0);
    }
  }

  // 2.8.1: AVAIL is the wrap counter and USED is not.
  void put_packed(const Range& piece) {
    constexpr std::uint16_t kAvail = 1u << 7;
    constexpr std::uint16_t kUsed = 1u << 15;
    const auto flags = static_cast<std::uint16_t>(piece.flags | (wrap_ != chance(32) ? kAvail : kUsed));
    disk_.set_descriptor(slot_, piece.address, piece.size, index(), flags);
    slot_ = slot_ + 1u == RawDisk::kQueueSize ? 0 : slot_ + 1;
    wrap_ = slot_ == 0 ? !wrap_ : wrap_;
  }

  // Interrupts are writes, and a driver says where to: at a doorbell, at the table itself, at RAM.
  void aim_interrupts() {
    const std::uint64_t entry = kMsixBar + 16 * below(4);
    const std::uint64_t address = interesting64() & ~std::uint64_t{3};
    machine_.mmio_write32(entry, static_cast<std::uint32_t>(address));
    machine_.mmio_write32(entry + 4, static_cast<std::uint32_t>(address >> 32));
    machine_.mmio_write32(entry + 8, chance(2) ? 0 : interesting32());
    machine_.mmio_write32(entry + 12, 0);
    disk_.config.write16(kDisk, 0x9a, 0x8000);
    machine_.mmio_write16(kCommon + 0x10, static_cast<std::uint16_t>(below(4)));
    machine_.mmio_write16(kCommon + 0x16, 0);
    machine_.mmio_write16(kCommon + 0x1a, static_cast<std::uint16_t>(below(4)));
  }

  void write_descriptor() {
    const auto at = static_cast<unsigned>(below(RawDisk::kQueueSize));
    const Range piece = range(false);
    const bool table = (piece.flags & RawDisk::kIndirect) != 0 && chance(2);
    disk_.set_descriptor(at, table ? disk_.bus(RawDisk::kTable) : piece.address,
                         table ? 16 * static_cast<std::uint32_t>(below(260)) : piece.size, piece.flags, index());
  }

  void set_entry(std::uint64_t number, const Range& piece, std::uint16_t next) {
    std::uint8_t* const at = disk_.cpu(RawDisk::kTable) + 16 * number;
    std::memcpy(at, &piece.address, 8);
    std::memcpy(at + 8, &piece.size, 4);
    std::memcpy(at + 12, &piece.flags, 2);
    std::memcpy(at + 14, &next, 2);
  }

  void write_table_entry() { set_entry(below(256), range(chance(2)), index()); }

  void raw_memory() {
    const std::uint64_t value = interesting64();
    std::memcpy(disk_.cpu(below(kMemoryBytes - 8)), &value, 8);
  }

  void config_access() {
    const Function function =
        chance(4) ? Function{static_cast<unsigned>(below(32)), static_cast<unsigned>(below(8))} : kDisk;
    const auto offset = static_cast<unsigned>(below(256));
    switch (below(6)) {
      case 0:
        return disk_.config.write32(function, offset, interesting32());
      case 1:
        return disk_.config.write16(function, offset, interesting16());
      case 2:
        return disk_.config.write8(function, offset, static_cast<std::uint8_t>(interesting32()));
      case 3:
        return static_cast<void>(disk_.config.read32(function, offset));
      case 4:
        return static_cast<void>(disk_.config.read16(function, offset));
      default:
        return static_cast<void>(disk_.config.read8(function, offset));
    }
  }

  // All widths, aligned or not, also across the ends of a structure.
  void bar_access() {
    static constexpr std::uint64_t kBases[] = {kCommon, kIsr, kDeviceConfig, kNotify, kMsixBar, kMsixPba};
    const std::uint64_t span = chance(4) ? 0x1010 : 0x48;
    const std::uint64_t address = kBases[below(std::size(kBases))] + below(span) - below(4);
    switch (below(6)) {
      case 0:
        return machine_.mmio_write32(address, interesting32());
      case 1:
        return machine_.mmio_write16(address, interesting16());
      case 2:
        return machine_.mmio_write8(address, static_cast<std::uint8_t>(interesting32()));
      case 3:
        return static_cast<void>(machine_.mmio_read32(address));
      case 4:
        return static_cast<void>(machine_.mmio_read16(address));
      default:
        return static_cast<void>(machine_.mmio_read8(address));
    }
  }

  void port_access() {
    const auto port = static_cast<std::uint16_t>(chance(4) ? random_.next() : kLegacyPorts + below(0x84));
    switch (below(6)) {
      case 0:
        return machine_.out32(port, interesting32());
      case 1:
        return machine_.out16(port, interesting16());
      case 2:
        return machine_.out8(port, static_cast<std::uint8_t>(interesting32()));
      case 3:
        return static_cast<void>(machine_.in32(port));
      case 4:
        return static_cast<void>(machine_.in16(port));
      default:
        return static_cast<void>(machine_.in8(port));
    }
  }

  void set_queue_up() {
    machine_.mmio_write16(kCommon + 0x16, static_cast<std::uint16_t>(chance(4) ? interesting32() : 0));
    if (chance(2)) {
      machine_.mmio_write16(kCommon + 0x18, interesting16());
    }
    for (unsigned offset = 0x20; chance(2) && offset < 0x38; offset += 8) {
      const std::uint64_t address = interesting64();
      machine_.mmio_write32(kCommon + offset, static_cast<std::uint32_t>(address));
      machine_.mmio_write32(kCommon + offset + 4, static_cast<std::uint32_t>(address >> 32));
    }
    machine_.mmio_write16(kCommon + (chance(3) ? 0x3a : 0x1c), static_cast<std::uint16_t>(chance(4) ? below(4) : 1));
  }

  void write_status() {
    static constexpr std::uint8_t kStatuses[] = {0, 1, 3, 0x0b, 0x0f, 0x07, 0x4f, 0x80, 0x8f, 0x0c, 0xff, 4, 8};
    disk_.set_status(kStatuses[below(std::size(kStatuses))]);
  }

  void negotiate_anything() {
    (void)disk_.negotiate(chance(2) ? kOfferedFeatures & random_.next() : random_.next());
    if (chance(2)) {
      disk_.set_status(0x0f);
    }
  }

  void make_time_pass() {
    const std::uint64_t end = machine_.now() + below(40'000);
    while (machine_.now() < end) {
      machine_.relax(end);
    }
  }

  hal::Machine& machine_;
  scenarios::Bench& bench_;
  RawDisk& disk_;
  scenarios::Random random_;
  bool contained_ = false;
  unsigned slot_ = 0;  // of a packed ring: the next one
  bool wrap_ = true;
};

// --- Attacks

// Whatever was done to the function before: a driver that starts anew finds a device that works.
void expect_works(scenarios::Context& context) {
  hal::Machine& machine = context.machine();
  (void)context.bench().ask(scenarios::Ask::resize, 2048);
  RawDisk disk(machine);
  disk.config.write16(kDisk, 0x9a, 0);  // MSI-X off
  disk.bring_up((kOfferedFeatures | attack.variant.features) & ~(kEventIndex | kPacked | kNotificationData));
  disk.submit_read(1);
  disk.settle();
  EXPECT_EQ(disk.used_index(), 1);
  EXPECT_EQ(disk.request_status(), 0);
  EXPECT_EQ(disk.used_length(0), 513u);
}

void attack_everything(scenarios::Context& context) {
  judge->grant(0, (attack.variant.features & kAccessPlatform) != 0 ? kAnywhere : kAllRam);
  RawDisk disk(context.machine());
  Attacker attacker(context, disk);
  attacker.begin();
  for (unsigned i = 0; i < kSteps; ++i) {
    attacker.revive();
    attacker.anything();
  }
  expect_works(context);
}

// The driver sets the device up as it should, and then all that is wrong is what stands in the rings: every access of
// the device must lie in the driver's memory.
void attack_rings(scenarios::Context& context) {
  RawDisk disk(context.machine());
  judge->grant(disk.bus(0), kMemoryBytes);
  Attacker attacker(context, disk);
  attacker.contain();
  attacker.begin();
  for (unsigned i = 0; i < kSteps; ++i) {
    attacker.revive();
    attacker.ring_attack();
  }
  disk.settle();
  disk.set_status(0);
  judge->grant(0, kAnywhere);
  expect_works(context);
}

struct Seeds {
  std::uint64_t first;
  std::uint64_t count;
};

Seeds seeds(std::uint64_t count) {
  const char* const only = std::getenv("RINGSIDE_HOSTILE_SEED");
  return only == nullptr ? Seeds{0, count} : Seeds{std::strtoull(only, nullptr, 10), 1};
}

// Returns how many DMA accesses the device made.
std::uint64_t run_attack(Program program) {
  targets::RunSettings settings;
  settings.machine = attack.variant.machine;
  settings.disks = {"sparse:1M"};
  settings.devices = {attack.variant.device};
  settings.timeout = std::chrono::seconds(20);
  settings.values["latency.model"] = attack.seed % 2 == 0 ? "nvme" : "fixed";
  const char* const spec = attack.seed % 7 == 0 ? "model,dmi=off" : "model";
  const auto target = targets::make_model_target(targets::TargetSpec::parse(spec), settings);
  DmaJudge here;
  judge = &here;
  const scenarios::Scenario scenario{"hostile", "", program};
  const targets::RunResult result = target->run(scenario, settings, here);
  EXPECT_NE(result.outcome, targets::Outcome::error) << result.reason;
  // As many chains as a queue of 256 holds, each as long as that, with its data.
  EXPECT_LT(here.most_per_doorbell(), 256u * 256 * 3);
  return here.accesses();
}

void run_attacks(Program program, std::uint64_t count) {
  const Seeds which = seeds(count);
  std::uint64_t accesses = 0;
  for (std::uint64_t seed = which.first; seed < which.first + which.count && !testing::Test::HasFailure(); ++seed) {
    attack = {seed, kVariants[seed % std::size(kVariants)]};
    SCOPED_TRACE(fmt::format("seed {}: {} {}", seed, attack.variant.machine, attack.variant.device));
    accesses += run_attack(program);
  }
  EXPECT_GT(accesses, which.count * 100) << "the attacks hardly reached the device";
}

TEST(HostileDriver, AnythingGoesAndTheDeviceStillWorks) { run_attacks(attack_everything, 400); }
TEST(HostileDriver, RingsNeverLeadOutOfTheDriversMemory) { run_attacks(attack_rings, 400); }

}  // namespace
}  // namespace ringside::tests::model_tests
