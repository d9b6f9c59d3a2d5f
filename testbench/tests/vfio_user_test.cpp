// The vfio-user protocol from the wire to the device: what a client sends, however wrong, ends in a reply or in the end
// of the session.
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "testbench/vfio_user/client.h"
#include "testbench/vfio_user/message.h"
#include "testbench/vfio_user/session.h"
#include "testbench/vfio_user/stream.h"
#include "testbench/vfio_user/version.h"

namespace ringside::tests {
namespace {

using namespace vfio_user;

// A device of one BAR and a configuration space, both plain memory, that writes down what it is told.
class PlainDevice final : public Device {
 public:
  std::uint64_t region_bytes(std::uint32_t region) const override {
    return region == kConfig ? config.size() : region == 4 ? bar.size() : 0;
  }
  bool posted(std::uint32_t region) const override { return region == 4; }
  void read(std::uint32_t region, std::uint64_t offset, std::span<std::uint8_t> data) override {
    std::memcpy(data.data(), memory(region) + offset, data.size());
  }
  void write(std::uint32_t region, std::uint64_t offset, std::span<const std::uint8_t> data) override {
    std::memcpy(memory(region) + offset, data.data(), data.size());
    said.push_back("write");
  }
  void reset() override { said.push_back("reset"); }
  std::uint32_t vectors(Irq kind) const override { return kind == Irq::msix ? 3u : kind == Irq::intx ? 1u : 0u; }
  void connect(Irq kind, std::uint32_t vector, Descriptor eventfd) override {
    said.push_back((eventfd.valid() ? "connect " : "disconnect ") + std::to_string(static_cast<unsigned>(kind)) + "." +
                   std::to_string(vector));
  }
  void mask(Irq, std::uint32_t vector, bool masked) override {
    said.push_back((masked ? "mask " : "unmask ") + std::to_string(vector));
  }
  void unmask_by(Descriptor eventfd) override { said.push_back(eventfd.valid() ? "unmask by" : "unmask by none"); }
  void trigger(Irq, std::uint32_t vector) override { said.push_back("trigger " + std::to_string(vector)); }
  int map(const DmaMap& map, Descriptor file) override {
    said.push_back(std::string("map ") + (file.valid() ? "file " : "nothing ") + std::to_string(map.address));
    return 0;
  }
  int unmap(std::uint64_t address, std::uint64_t) override { return address == 0x1000 ? 0 : ENOENT; }
  void unmap_all() override { said.push_back("unmap all"); }

  std::array<std::uint8_t, 256> config{};
  std::array<std::uint8_t, 4096> bar{};
  std::vector<std::string> said;

 private:
  std::uint8_t* memory(std::uint32_t region) { return region == kConfig ? config.data() : bar.data(); }
};

struct Reply {
  Header header{};
  Bytes payload;
};

class VfioUserSession : public testing::Test {
 protected:
  static Message message(Command command, Bytes payload, std::uint32_t flags = 0) {
    Message made;
    made.header = {7, static_cast<std::uint16_t>(command), static_cast<std::uint32_t>(sizeof(Header) + payload.size()),
                   flags, 0};
    made.payload = std::move(payload);
    return made;
  }
  bool take(Message made) {
    replies.clear();
    return session.take(std::move(made));
  }
  // What one is answered: an errno, 0 for none, -1 for no answer at all.
  int answer(Message made) {
    EXPECT_TRUE(take(std::move(made)));
    return replies.empty() ? -1 : static_cast<int>(replies.front().header.error);
  }
  void begin() { ASSERT_EQ(answer(message(Command::version, propose_version())), 0); }

  PlainDevice device;
  std::vector<Reply> replies;
  Session session{device, [this](const Header& header, std::span<const std::uint8_t> payload) {
                    replies.push_back({header, Bytes(payload.begin(), payload.end())});
                  }};
};

Bytes text_version(const std::string& json) {
  return payload_of(Version{kMajor, 1},
                    std::span(reinterpret_cast<const std::uint8_t*>(json.c_str()), json.size() + 1));
}

TEST_F(VfioUserSession, BeginsWithAVersionAndAnswersOnlyWhatWasProposed) {
  EXPECT_TRUE(take(message(Command::version, text_version(R"({"capabilities":{"max_msg_fds":16,"pgsizes":4096}})"))));
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].header.id, 7);
  EXPECT_EQ(replies[0].header.flags, kTypeReply);
  const std::string json(reinterpret_cast<const char*>(replies[0].payload.data()) + sizeof(Version));
  EXPECT_EQ(json, R"({"capabilities":{"max_msg_fds":16}})");
}

TEST_F(VfioUserSession, EndsWhenItDoesNotBeginWithAVersion) {
  EXPECT_FALSE(take(message(Command::device_get_info, payload_of(DeviceInfo{}))));
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].header.error, static_cast<std::uint32_t>(EINVAL));
}

TEST_F(VfioUserSession, EndsAtAVersionThatIsNone) {
  EXPECT_FALSE(take(message(Command::version, {1, 2, 3})));
  EXPECT_FALSE(take(message(Command::version, payload_of(Version{kMajor + 1, 0}))));
  EXPECT_FALSE(take(message(Command::version, text_version("{\"capabilities\": 7}"))));
  EXPECT_FALSE(take(message(Command::version, text_version("{"))));
  Bytes open = text_version("{}");
  open.pop_back();
  EXPECT_FALSE(take(message(Command::version, open)));
}

TEST_F(VfioUserSession, TakesNoVersionTwice) {
  begin();
  EXPECT_EQ(answer(message(Command::version, propose_version())), EINVAL);
}

TEST_F(VfioUserSession, RefusesAccessesOutsideRegions) {
  begin();
  const auto read = [&](std::uint32_t region, std::uint64_t offset, std::uint32_t count) {
    return answer(message(Command::region_read, payload_of(RegionAccess{offset, region, count})));
  };
  EXPECT_EQ(read(kConfig, 0, 256), 0);
  EXPECT_EQ(read(kConfig, 1, 256), EINVAL);
  EXPECT_EQ(read(kConfig, ~0ull, 4), EINVAL);
  EXPECT_EQ(read(kConfig, 0, 0), EINVAL);
  EXPECT_EQ(read(kConfig, 0, ~0u), EINVAL);
  EXPECT_EQ(read(3, 0, 4), EINVAL);
  EXPECT_EQ(read(kRegions, 0, 4), EINVAL);
  EXPECT_EQ(read(~0u, 0, 4), EINVAL);
}

TEST_F(VfioUserSession, AnswersAPostedWriteBeforeTheDeviceActs) {
  begin();
  const Bytes four(4);
  device.said.clear();
  bool answered_first = false;
  Session watched(device, [&](const Header&, std::span<const std::uint8_t>) { answered_first = device.said.empty(); });
  ASSERT_TRUE(watched.take(message(Command::version, propose_version())));
  for (const auto& [region, posted] : {std::pair{4u, true}, std::pair{unsigned{kConfig}, false}}) {
    device.said.clear();
    ASSERT_TRUE(watched.take(message(Command::region_write, payload_of(RegionAccess{0, region, 4}, four))));
    EXPECT_EQ(answered_first, posted);
    EXPECT_EQ(device.said.back(), "write");
  }
}

TEST_F(VfioUserSession, WritesWhatIsThereAndNoMore) {
  begin();
  const Bytes two{1, 2};
  EXPECT_EQ(answer(message(Command::region_write, payload_of(RegionAccess{0, 4, 4}, two))), EINVAL);
  EXPECT_EQ(answer(message(Command::region_write, payload_of(RegionAccess{0, 4, 2}, two), kFlagNoReply)), -1);
  EXPECT_EQ(device.bar[1], 2);
}

TEST_F(VfioUserSession, ChecksWhatInterruptsAreSet) {
  begin();
  const auto set = [&](std::uint32_t flags, std::uint32_t index, std::uint32_t start, std::uint32_t count,
                       unsigned descriptors = 0) {
    device.said.clear();
    Message made = message(Command::device_set_irqs, payload_of(IrqSet{sizeof(IrqSet), flags, index, start, count}));
    for (unsigned i = 0; i < descriptors; ++i) {
      made.descriptors.emplace_back(::eventfd(0, EFD_CLOEXEC));
    }
    return answer(std::move(made));
  };
  constexpr std::uint32_t kMsix = 2;
  EXPECT_EQ(set(kIrqDataEventfd | kIrqTrigger, kMsix, 1, 2, 2), 0);
  EXPECT_EQ(device.said, (std::vector<std::string>{"connect 2.1", "connect 2.2"}));
  EXPECT_EQ(set(kIrqDataEventfd | kIrqTrigger, kMsix, 1, 2), 0);
  EXPECT_EQ(device.said, (std::vector<std::string>{"disconnect 2.1", "disconnect 2.2"}));
  EXPECT_EQ(set(kIrqDataNone | kIrqTrigger, kMsix, 0, 0), 0);
  EXPECT_EQ(device.said.size(), 3u);
  EXPECT_EQ(set(kIrqDataNone | kIrqTrigger, kMsix, 1, 0), 0);
  EXPECT_TRUE(device.said.empty()) << "none, from the second vector on";
  EXPECT_EQ(set(kIrqDataNone | kIrqMask, kMsix, 2, 1), 0);
  EXPECT_EQ(device.said, (std::vector<std::string>{"mask 2"}));
  EXPECT_EQ(set(kIrqDataNone | kIrqTrigger, 0, 0, 1), 0);
  EXPECT_EQ(device.said, (std::vector<std::string>{"trigger 0"}));

  EXPECT_EQ(set(kIrqDataEventfd | kIrqUnmask, 0, 0, 1, 1), 0);
  EXPECT_EQ(device.said, (std::vector<std::string>{"unmask by"}));
  EXPECT_EQ(set(kIrqDataEventfd | kIrqUnmask, 0, 0, 1), 0);
  EXPECT_EQ(device.said, (std::vector<std::string>{"unmask by none"}));

  EXPECT_EQ(set(kIrqDataEventfd | kIrqUnmask, kMsix, 0, 1, 1), EINVAL) << "the pin only";
  EXPECT_EQ(set(kIrqDataEventfd | kIrqMask, 0, 0, 1, 1), EINVAL);
  EXPECT_EQ(set(kIrqDataEventfd | kIrqTrigger, kMsix, 1, 2, 1), EINVAL) << "one descriptor for two vectors";
  EXPECT_EQ(set(kIrqDataEventfd | kIrqTrigger, kMsix, 2, 2, 2), EINVAL) << "beyond the last vector";
  EXPECT_EQ(set(kIrqDataEventfd | kIrqTrigger, kMsix, ~0u, 2, 2), EINVAL);
  EXPECT_EQ(set(kIrqDataNone | kIrqTrigger, 5, 0, 0), EINVAL) << "a kind that does not exist";
  EXPECT_EQ(set(kIrqDataNone, kMsix, 0, 1), EINVAL) << "no action";
  EXPECT_EQ(set(kIrqDataNone | kIrqDataBool | kIrqTrigger, kMsix, 0, 1), EINVAL);
  EXPECT_EQ(set(kIrqDataBool | kIrqTrigger, kMsix, 0, 1), EINVAL) << "no byte to say which";
  EXPECT_EQ(set(1u << 6, kMsix, 0, 1), EINVAL);
  EXPECT_TRUE(device.said.empty());
}

TEST_F(VfioUserSession, ListensToEventfdsAlone) {
  begin();
  device.said.clear();
  for (const std::uint32_t action : {kIrqTrigger, kIrqUnmask}) {
    Message made =
        message(Command::device_set_irqs, payload_of(IrqSet{sizeof(IrqSet), kIrqDataEventfd | action, 0, 0, 1}));
    made.descriptors.emplace_back(::memfd_create("no event", MFD_CLOEXEC));
    EXPECT_EQ(answer(std::move(made)), EINVAL);
  }
  EXPECT_TRUE(device.said.empty());
}

TEST_F(VfioUserSession, ChecksMaps) {
  begin();
  const auto map = [&](std::uint64_t address, std::uint64_t size, std::uint32_t flags = kDmaReadable) {
    return answer(message(Command::dma_map, payload_of(DmaMap{sizeof(DmaMap), flags, 0, address, size})));
  };
  EXPECT_EQ(map(0x1000, 0x1000), 0);
  EXPECT_EQ(map(0x1000, 0), EINVAL);
  EXPECT_EQ(map(~0ull, 2), EINVAL);
  EXPECT_EQ(map(0, 0x1000, 4), EINVAL);
  const auto unmap = [&](std::uint64_t address, std::uint32_t flags = 0) {
    return answer(message(Command::dma_unmap, payload_of(DmaUnmap{sizeof(DmaUnmap), flags, address, 0x1000})));
  };
  EXPECT_EQ(unmap(0x1000), 0);
  EXPECT_EQ(unmap(0x2000), ENOENT);
  EXPECT_EQ(unmap(0, kUnmapAll), 0);
  EXPECT_EQ(device.said.back(), "unmap all");
}

TEST_F(VfioUserSession, RefusesDescriptorsThatACommandDoesNotTake) {
  begin();
  Message made = message(Command::device_reset, {});
  made.descriptors.emplace_back(::eventfd(0, EFD_CLOEXEC));
  EXPECT_EQ(answer(std::move(made)), EINVAL);
  EXPECT_EQ(answer(message(Command::device_reset, {})), 0);
}

TEST_F(VfioUserSession, AnswersEveryCommandAtEveryLength) {
  begin();
  for (unsigned command = 2; command < 32; ++command) {
    for (std::size_t bytes = 0; bytes < 48; ++bytes) {
      EXPECT_GE(answer(message(Command{static_cast<std::uint16_t>(command)}, Bytes(bytes, 0xff))), 0);
      EXPECT_GE(answer(message(Command{static_cast<std::uint16_t>(command)}, Bytes(bytes))), 0);
    }
  }
}

TEST_F(VfioUserSession, EndsAtAReplyThatNobodyAskedFor) {
  begin();
  EXPECT_FALSE(take(message(Command::region_read, {}, kTypeReply)));
}

TEST(VfioUserSessionEnd, LetsMemoryAndEventsGo) {
  PlainDevice device;
  {
    const Session session(device, [](const Header&, std::span<const std::uint8_t>) {});
  }
  EXPECT_EQ(device.said.front(), "unmap all");
  EXPECT_EQ(device.said.size(), 5u);  // and one pin, three vectors
}

TEST(VfioUserMessages, ComeInAnyPieces) {
  const Header header{1, 2, sizeof(Header) + 5, 0, 0};
  Bytes stream(sizeof header + 5, 0xab);
  std::memcpy(stream.data(), &header, sizeof header);
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    MessageReader reader;
    for (std::size_t done = 0; done < stream.size();) {
      ASSERT_FALSE(reader.complete());
      const auto room = reader.room();
      const std::size_t size = std::min({room.size(), piece, stream.size() - done});
      ASSERT_GT(size, 0u);
      std::memcpy(room.data(), stream.data() + done, size);
      ASSERT_TRUE(reader.took(size));
      done += size;
    }
    ASSERT_TRUE(reader.complete());
    EXPECT_EQ(reader.take().payload, Bytes(5, 0xab));
  }
}

TEST(VfioUserMessages, OfSizesThatCannotBeAreNone) {
  for (const std::uint32_t size : {0u, 15u, kMostMessageBytes + 1, ~0u}) {
    const Header header{1, 2, size, 0, 0};
    MessageReader reader;
    std::memcpy(reader.room().data(), &header, sizeof header);
    EXPECT_FALSE(reader.took(sizeof header)) << size;
  }
}

// Both ends of the wire, over a socket, with descriptors.
TEST(VfioUserClient, AndSessionUnderstandEachOther) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  PlainDevice device;
  device.config[0] = 0xf4;
  std::thread server([&device, socket = ends[1]] {
    const Descriptor closed_at_the_end(socket);
    Session session(device, [socket](const Header& header, std::span<const std::uint8_t> payload) {
      send(socket, header, payload, {}, TimePoint::max());
    });
    MessageReader reader;
    try {
      for (;;) {
        if (receive(socket, reader)) {
          (void)session.take(reader.take());
        } else {
          (void)wait_readable(socket, std::chrono::steady_clock::now() + std::chrono::seconds(10));
        }
      }
    } catch (const StreamError&) {
      // The client has gone.
    }
  });
  {
    Client client{Descriptor(ends[0]), std::chrono::seconds(10)};
    EXPECT_EQ(client.region_bytes(4), 4096u);
    std::array<std::uint8_t, 256> config{};
    client.read(kConfig, 0, config);
    EXPECT_EQ(config[0], 0xf4);
    const std::array<std::uint8_t, 2> two{3, 4};
    client.post(4, 8, two);
    std::array<std::uint8_t, 2> back{};
    client.read(4, 8, back);
    EXPECT_EQ(back, two);
    const Descriptor memory(::memfd_create("memory", MFD_CLOEXEC));
    client.map(0x4000, 0x1000, memory.get());
    EXPECT_EQ(client.vectors(Irq::msix), 3u);
    const Descriptor event(::eventfd(0, EFD_CLOEXEC));
    const int fds[3] = {event.get(), event.get(), event.get()};
    client.connect(Irq::msix, fds);
    client.reset();
    EXPECT_THROW(client.read(3, 0, back), StreamError);
  }
  server.join();
  EXPECT_EQ(device.said[1], "map file 16384");
  EXPECT_EQ(device.said[4], "connect 2.2");
  EXPECT_EQ(device.said[5], "reset");
}

TEST(VfioUserClient, NoticesAServerThatHasGone) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  PlainDevice device;
  std::thread server([&device, socket = ends[1]] {
    const Descriptor closed_at_the_end(socket);
    Session session(device, [socket](const Header& header, std::span<const std::uint8_t> payload) {
      send(socket, header, payload, {}, TimePoint::max());
    });
    MessageReader reader;
    for (unsigned messages = 0; messages < 3;) {
      if (receive(socket, reader)) {
        (void)session.take(reader.take());
        ++messages;
      } else {
        (void)wait_readable(socket, std::chrono::steady_clock::now() + std::chrono::seconds(10));
      }
    }
  });
  Client client{Descriptor(ends[0]), std::chrono::seconds(10)};
  EXPECT_NO_THROW(client.require_open());
  client.reset();  // the third message: the last that is answered
  server.join();
  EXPECT_THROW(client.require_open(), StreamError);
  EXPECT_THROW(client.reset(), StreamError);
}

}  // namespace
}  // namespace ringside::tests
