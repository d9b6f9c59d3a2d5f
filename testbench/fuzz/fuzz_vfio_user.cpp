// A hostile client of `ringside serve`: messages as bytes, and whole sessions with the model's function behind them.
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "model/ram_storage.h"
#include "testbench/fuzz/choices.h"
#include "testbench/fuzz/entries.h"
#include "testbench/fuzz/finding.h"
#include "testbench/serve/served_disk.h"
#include "testbench/vfio_user/message.h"
#include "testbench/vfio_user/session.h"
#include "testbench/vfio_user/version.h"

namespace ringside::fuzz {
namespace {

using namespace vfio_user;

constexpr unsigned kMostSteps = 256;
constexpr std::size_t kMemoryBytes = 64 << 10;
constexpr std::uint64_t kSectors = 64;

Reached reached;

// The client's memory, which the function maps by descriptor.
struct Memory {
  Memory() : file(::memfd_create("fuzz", MFD_CLOEXEC)) {
    if (::ftruncate(file.get(), kMemoryBytes) != 0) {
      std::abort();
    }
    data = static_cast<std::uint8_t*>(::mmap(nullptr, kMemoryBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0));
  }
  Descriptor file;
  std::uint8_t* data;

  static Memory& instance() {
    static Memory* const memory = new Memory;
    return *memory;
  }
};

serve::ServedDisk& fresh_disk() {
  static std::vector<std::uint8_t> contents(kSectors * 512);
  static model::RamStorage storage(contents.data());
  serve::ServedDisk& disk = serve::ServedDisk::instance();
  serve::ServedSetup setup;
  setup.disk.storage = &storage;
  setup.disk.sectors = kSectors;
  disk.power_on(setup);
  return disk;
}

// What an input is made of. Each step is a kind and what it needs.
enum class Step : std::uint8_t {
  anything,  // a message of any command with any payload
  map,
  unmap,
  poke,  // the client's own memory
  read,
  write,
  irqs,
  reset,
  request,  // a bring-up and two requests, as a driver would
};
constexpr unsigned kSteps = 9;

class ClientAttack {
 public:
  explicit ClientAttack(Choices& choices)
      : choices_(choices),
        memory_(Memory::instance()),
        disk_(fresh_disk()),
        session_(disk_, [this](const Header& header, std::span<const std::uint8_t> payload) {
          answers_ += 1;
          require((header.flags & kTypeMask) == kTypeReply, "what is sent is no reply");
          require((header.flags & kFlagError) == 0 || payload.empty(), "an error has a payload");
        }) {
    std::memset(memory_.data, 0, kMemoryBytes);
  }

  void run() {
    if (choices_.below(8) != 7) {
      say(Command::version, propose_version());
    }
    for (unsigned i = 0; i < kMostSteps && open_ && !choices_.spent(); ++i) {
      step();
    }
  }

 private:
  void step() {
    switch (static_cast<Step>(choices_.below(kSteps))) {
      case Step::anything:
        return anything();
      case Step::map:
        return map();
      case Step::unmap:
        return say(Command::dma_unmap, payload_of(DmaUnmap{sizeof(DmaUnmap), choices_.below(3), place(), length()}));
      case Step::poke: {
        const std::uint64_t value = choices_.take<std::uint64_t>();
        std::memcpy(memory_.data + choices_.take<std::uint16_t>() % (kMemoryBytes - 8), &value, sizeof value);
        return;
      }
      case Step::read:
        return say(Command::region_read, payload_of(RegionAccess{offset(), choices_.below(10), width()}));
      case Step::write:
        return write();
      case Step::irqs:
        return irqs();
      case Step::reset:
        return say(Command::device_reset, {});
      case Step::request:
        return request();
    }
  }

  // One message more, one answer more, unless it said that it wants none or the session ended.
  void say(Command command, Bytes payload, unsigned descriptors = 0, std::uint32_t flags = 0) {
    Message message;
    message.header = {1, static_cast<std::uint16_t>(command),
                      static_cast<std::uint32_t>(sizeof(Header) + payload.size()), flags, 0};
    message.payload = std::move(payload);
    for (unsigned i = 0; i < descriptors; ++i) {
      message.descriptors.emplace_back(command == Command::dma_map ? ::dup(memory_.file.get())
                                                                   : ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    }
    const unsigned before = answers_;
    open_ = open_ && session_.take(std::move(message));
    const unsigned wanted = (flags & (kFlagNoReply | kTypeMask)) == 0 ? 1 : 0;
    require(!open_ || answers_ - before == wanted, "a message is not answered once");
    while (!disk_.settle(16)) {
    }
  }

  void anything() {
    const auto command = static_cast<Command>(choices_.below(32));
    const auto flags = choices_.take<std::uint8_t>();
    const unsigned descriptors = choices_.below(kMostDescriptors + 2);
    Bytes payload(choices_.take<std::uint8_t>());
    for (std::uint8_t& byte : payload) {
      byte = choices_.take<std::uint8_t>();
    }
    say(command, std::move(payload), descriptors, flags);
  }

  std::uint64_t place() { return std::uint64_t{choices_.below(20)} * 0x1000; }
  std::uint64_t length() { return std::uint64_t{choices_.below(18)} * 0x1000; }
  std::uint32_t width() { return 1u << choices_.below(4); }
  std::uint64_t offset() { return choices_.take<std::uint16_t>(); }

  void map() {
    const std::uint64_t in_file = std::uint64_t{choices_.below(3)} * 0x800;
    say(Command::dma_map, payload_of(DmaMap{sizeof(DmaMap), choices_.below(4), in_file, place(), length()}),
        choices_.below(3));
  }

  void write_to(std::uint32_t region, std::uint64_t at, std::uint64_t value, std::uint32_t bytes) {
    std::array<std::uint8_t, 8> data{};
    std::memcpy(data.data(), &value, sizeof value);
    say(Command::region_write, payload_of(RegionAccess{at, region, bytes}, std::span(data).first(bytes)), 0,
        bytes % 2 == 0 ? 0 : kFlagNoReply);
  }

  void write() {
    constexpr std::uint32_t kOften[] = {kConfig, 4, 4, 4, 0, 1, kConfig, 8};
    const std::uint32_t region = kOften[choices_.below(8)];
    const std::uint64_t at = offset();
    write_to(region, at, choices_.take<std::uint64_t>(), width());
  }

  void irqs() {
    constexpr std::uint32_t kDataFlags[] = {kIrqDataNone, kIrqDataBool, kIrqDataEventfd, 0};
    constexpr std::uint32_t kActionFlags[] = {kIrqTrigger, kIrqMask, kIrqUnmask, kIrqTrigger | kIrqMask};
    const std::uint32_t flags = kDataFlags[choices_.below(4)] | kActionFlags[choices_.below(4)];
    const IrqSet set{sizeof(IrqSet), flags, choices_.below(6), choices_.below(5), choices_.below(5)};
    const std::array<std::uint8_t, 2> bools{1, 0};
    say(Command::device_set_irqs, payload_of(set, bools), choices_.below(4));
  }

  // What a driver does between power-on and its first requests (VIRTIO 1.2, 3.1.1 and 4.1.4.3), with a queue of 4; then
  // a read and a write.
  void request() {
    say(Command::dma_map, payload_of(DmaMap{sizeof(DmaMap), kDmaReadable | kDmaWritable, 0, 0, kMemoryBytes}), 1);
    write_to(kConfig, 4, 6, 2);
    write_to(kCommon, 20, 0, 1);
    write_to(kCommon, 20, 3, 1);
    write_to(kCommon, 8, 1, 4);
    write_to(kCommon, 12, 1, 4);
    write_to(kCommon, 20, 11, 1);
    write_to(kCommon, 24, 4, 2);
    write_to(kCommon, 32, kQueue, 4);
    write_to(kCommon, 40, kDriver, 4);
    write_to(kCommon, 48, kDevice, 4);
    write_to(kCommon, 28, 1, 2);
    write_to(kCommon, 20, 15, 1);
    reached.bring_ups += 1;
    std::memset(memory_.data + kDriver, 0, 16);
    std::memset(memory_.data + kDevice, 0, 16);
    const std::uint8_t sector = choices_.take<std::uint8_t>();
    reached.reads += sent(1, VIRTIO_BLK_T_IN, sector) ? 1 : 0;
    reached.writes += sent(2, VIRTIO_BLK_T_OUT, sector) ? 1 : 0;
  }

  // Whether the device carried it out, as the index-th of this queue (2.7).
  bool sent(std::uint16_t index, std::uint32_t type, std::uint8_t sector) {
    struct Link {
      std::uint64_t address;
      std::uint32_t length;
      std::uint16_t flags;
      std::uint16_t next;
    };
    const auto data_flags = static_cast<std::uint16_t>(type == VIRTIO_BLK_T_IN ? 3 : 1);
    const Link chain[] = {{kHeader, 16, 1, 1}, {kData, 512, data_flags, 2}, {kData + 512, 1, 2, 0}};
    std::memcpy(memory_.data + kQueue, chain, sizeof chain);
    std::memset(memory_.data + kHeader, 0, 16);
    memory_.data[kHeader] = static_cast<std::uint8_t>(type);
    memory_.data[kHeader + 8] = sector;
    memory_.data[kData + 512] = 0xff;
    std::memcpy(memory_.data + kDriver + 2, &index, sizeof index);
    write_to(kCommon, kDoorbell, 0, 2);
    std::uint16_t used = 0;
    std::memcpy(&used, memory_.data + kDevice + 2, sizeof used);
    reached.completions += used == index ? 1 : 0;
    const bool carried_out = memory_.data[kData + 512] == 0;
    reached.requests += carried_out ? 1 : 0;
    return carried_out;
  }

  static constexpr std::uint32_t VIRTIO_BLK_T_IN = 0;
  static constexpr std::uint32_t VIRTIO_BLK_T_OUT = 1;
  static constexpr std::uint32_t kCommon = 4;  // the BAR, at whose start the common structure lies
  static constexpr std::uint64_t kDoorbell = 0x3000;
  static constexpr std::uint64_t kQueue = 0x1000;
  static constexpr std::uint64_t kDriver = 0x2000;
  static constexpr std::uint64_t kDevice = 0x3000;
  static constexpr std::uint64_t kHeader = 0x4000;
  static constexpr std::uint64_t kData = 0x5000;

  Choices& choices_;
  Memory& memory_;
  serve::ServedDisk& disk_;
  unsigned answers_ = 0;
  bool open_ = true;
  Session session_;
};

}  // namespace

void run_messages(Input input) {
  MessageReader reader;
  while (!input.empty()) {
    const auto room = reader.room();
    require(!room.empty(), "there is room for no byte");
    const std::size_t size = std::min({room.size(), input.size(), std::size_t{1} + input[0] % 32});
    std::memcpy(room.data(), input.data(), size);
    input = input.subspan(size);
    if (!reader.took(size)) {
      return;
    }
    if (reader.complete()) {
      const Message message = reader.take();
      require(message.header.size == sizeof(Header) + message.payload.size(), "a message is not what it says");
      static_cast<void>(answer_version(message.payload));
      static_cast<void>(agreed_transfer(message.payload));
    }
  }
}

std::vector<std::string> message_seeds(const std::string&) {
  const Bytes version = propose_version();
  const Header header{1, 1, static_cast<std::uint32_t>(sizeof(Header) + version.size()), 0, 0};
  std::string one(sizeof header, '\0');
  std::memcpy(one.data(), &header, sizeof header);
  one.append(version.begin(), version.end());
  return {one, one + one};
}

void run_sessions(Input input) {
  Choices choices(input);
  ClientAttack(choices).run();
}

std::vector<std::string> session_seeds(const std::string&) {
  const std::string two{0, static_cast<char>(Step::request), 1, static_cast<char>(Step::request), 2};
  std::vector<std::string> seeds{two, two + static_cast<char>(Step::reset) + two.substr(1)};
  for (unsigned step = 0; step < kSteps; ++step) {
    seeds.push_back(two + static_cast<char>(step) + std::string(12, static_cast<char>(step + 1)));
  }
  return seeds;
}

const Reached& sessions_reached() { return reached; }

}  // namespace ringside::fuzz
