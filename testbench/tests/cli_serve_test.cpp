// `ringside serve` as a process, and who comes to it.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "testbench/tests/cli_program.h"
#include "testbench/vfio_user/client.h"

namespace ringside::tests {
namespace {

using vfio_user::Client;
using vfio_user::StreamError;

constexpr std::chrono::seconds kPatience{20};
constexpr std::uint64_t kPage = 4096;

class CliServe : public testing::Test {
 protected:
  CliServe() { std::filesystem::resize_file(directory_.make("disk.img", ""), 4u << 20); }

  [[nodiscard]] std::string socket() const { return directory_.file("s"); }
  [[nodiscard]] std::vector<std::string> arguments(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words{"serve", "--socket", socket(), "--disk", directory_.file("disk.img")};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  // Once the server listens.
  [[nodiscard]] vfio_user::Descriptor connection() const {
    for (const auto end = std::chrono::steady_clock::now() + kPatience;;) {
      try {
        return vfio_user::connect_to(socket());
      } catch (const StreamError&) {
        if (std::chrono::steady_clock::now() > end) {
          throw;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    }
  }
  [[nodiscard]] Client client() const { return Client(connection(), kPatience); }

  TemporaryDirectory directory_;
};

std::uint16_t vendor_of(Client& client) {
  std::array<std::uint8_t, 2> bytes{};
  client.read(vfio_user::kConfig, 0, bytes);
  return static_cast<std::uint16_t>(bytes[0] | bytes[1] << 8);
}

TEST_F(CliServe, ServesOneClientAfterAnotherAndOneAtATime) {
  Program server(arguments());
  {
    Client first = client();
    EXPECT_EQ(vendor_of(first), 0x1af4);
    try {
      const Client second = client();
      ADD_FAILURE() << "two clients at once";
    } catch (const StreamError& refusal) {
      EXPECT_NE(std::string(refusal.what()).find("busy"), std::string::npos) << refusal.what();
    }
    EXPECT_EQ(vendor_of(first), 0x1af4) << "the first is served as before";
  }
  // The first one's end is noticed a moment later.
  for (const auto end = std::chrono::steady_clock::now() + kPatience;;) {
    try {
      Client third = client();
      EXPECT_EQ(vendor_of(third), 0x1af4);
      break;
    } catch (const StreamError&) {
      ASSERT_LT(std::chrono::steady_clock::now(), end);
    }
  }
  server.kill(SIGINT);
  const ProgramResult result = server.wait();
  EXPECT_EQ(result.status, 130) << result.err;
  EXPECT_FALSE(std::filesystem::exists(socket()));
}

TEST_F(CliServe, EndsAfterTheFirstClientWhenToldSo) {
  Program server(arguments({"--once"}));
  { EXPECT_EQ(client().region_bytes(vfio_user::kConfig), 256u); }
  EXPECT_EQ(server.wait().status, 0);
}

TEST_F(CliServe, OutlivesAClientThatSendsNoMessage) {
  Program server(arguments());
  {
    const vfio_user::Descriptor broken = connection();
    const std::array<char, 64> noise{};
    ASSERT_EQ(::write(broken.get(), noise.data(), noise.size()), static_cast<ssize_t>(noise.size()));
    char byte = 0;
    EXPECT_LE(::read(broken.get(), &byte, 1), 0) << "the server closes";
  }
  Client after = client();
  EXPECT_EQ(vendor_of(after), 0x1af4);
}

// A file that is cut shorter once it is mapped would end whoever looks at what was there.
TEST_F(CliServe, OutlivesMemoryThatIsTakenAway) {
  Program server(arguments());
  {
    Client thief = client();
    const vfio_user::Descriptor memory(::memfd_create("memory", MFD_CLOEXEC));
    ASSERT_EQ(::ftruncate(memory.get(), 16 * kPage), 0);
    thief.map(0, 16 * kPage, memory.get());
    ASSERT_EQ(::ftruncate(memory.get(), 0), 0);
    const auto put = [&](std::uint32_t region, std::uint64_t offset, std::uint64_t value, std::size_t size) {
      std::array<std::uint8_t, 8> bytes{};
      std::memcpy(bytes.data(), &value, sizeof value);
      thief.write(region, offset, std::span(bytes).first(size));
    };
    // Up to a queue of size 16 at address 0 that is enabled, and its bell (VIRTIO 1.2, 4.1.4.3 and 3.1.1).
    constexpr std::uint32_t kCommon = 4;
    put(vfio_user::kConfig, 4, 6, 2);
    put(kCommon, 20, 3, 1);
    put(kCommon, 8, 1, 4);
    put(kCommon, 12, 1, 4);
    put(kCommon, 20, 11, 1);
    put(kCommon, 24, 16, 2);
    put(kCommon, 32, kPage, 4);
    put(kCommon, 40, 2 * kPage, 4);
    put(kCommon, 48, 3 * kPage, 4);
    put(kCommon, 28, 1, 2);
    put(kCommon, 20, 15, 1);
    put(kCommon, 0x3000, 0, 2);
    EXPECT_THROW((void)vendor_of(thief), StreamError) << "nothing of it was met";
  }
  Client after = client();
  EXPECT_EQ(vendor_of(after), 0x1af4);
}

// A run against a disk whose reads take a second each, so that it is there when somebody is killed.
class CliServeKill : public CliServe {
 protected:
  CliServeKill() { std::filesystem::resize_file(directory_.file("disk.img"), 16u << 20); }

  [[nodiscard]] std::vector<std::string> slow_arguments() const {
    return arguments({"--pace", "real", "--set", "latency.media_read_ns=1000000000"});
  }
  [[nodiscard]] std::vector<std::string> run_arguments() const {
    return {"run", "read-write", "--on", "vfio-user,socket=" + socket()};
  }
  [[nodiscard]] bool is_busy() const {
    try {
      const Client other(vfio_user::connect_to(socket()), kPatience);
      return false;
    } catch (const vfio_user::ServerBusy&) {
      return true;
    }
  }
  void wait_until_busy(bool busy = true) const {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (is_busy() != busy && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ASSERT_LT(std::chrono::steady_clock::now(), end);
  }
};

TEST_F(CliServeKill, OfTheServerEndsTheRunWithAMessage) {
  Program server(slow_arguments());
  { EXPECT_EQ(client().region_bytes(vfio_user::kConfig), 256u); }
  Program run(run_arguments());
  wait_until_busy();
  server.kill(SIGKILL);
  const ProgramResult result = run.wait();
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.out.find("has closed the connection"), std::string::npos) << result.out;
}

TEST_F(CliServeKill, OfTheClientLeavesTheServerToTheNext) {
  Program server(slow_arguments());
  { EXPECT_EQ(client().region_bytes(vfio_user::kConfig), 256u); }
  {
    Program run(run_arguments());
    wait_until_busy();
    run.kill(SIGKILL);
    EXPECT_EQ(run.wait().status, 137);
  }
  wait_until_busy(false);
  server.kill(SIGINT);
  const ProgramResult result = server.wait();
  EXPECT_EQ(result.status, 130);
  EXPECT_NE(result.out.find("the client has left: the other side has closed the connection"), std::string::npos)
      << result.out;
}

bool is_server(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
  std::string program;
  std::string command;
  return std::getline(file, program, '\0') && std::getline(file, command, '\0') && command == "serve";
}

// A server that the bench has started goes with it; the place of its socket has gone as soon as they are connected.
TEST_F(CliServeKill, OfTheBenchLeavesNothingBehind) {
  const std::string scratch = directory_.file("scratch");
  std::filesystem::create_directory(scratch);
  Program run({"run", "*", "-j", "1", "--on", "vfio-user"}, {{"TMPDIR", scratch}});
  std::vector<pid_t> all;
  const auto connected = [&] {
    all = descendants_of(run.pid());
    return std::ranges::any_of(all, is_server) && std::filesystem::is_empty(scratch);
  };
  for (const auto end = std::chrono::steady_clock::now() + kPatience; !connected();) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
  }
  run.kill(SIGKILL);
  EXPECT_EQ(run.wait().status, 137);
  EXPECT_TRUE(all_gone(all, kPatience));
}

TEST_F(CliServe, ReplacesASocketThatNobodyUsesAndNoOther) {
  {
    Program killed(arguments());
    { EXPECT_EQ(client().region_bytes(vfio_user::kConfig), 256u); }
    killed.kill(SIGKILL);
    EXPECT_EQ(killed.wait().status, 137);
  }
  ASSERT_TRUE(std::filesystem::exists(socket()));
  Program server(arguments());
  Client served = client();
  EXPECT_EQ(vendor_of(served), 0x1af4);

  const ProgramResult second = run_program(arguments());
  EXPECT_EQ(second.status, 2);
  EXPECT_NE(second.err.find("somebody serves there already"), std::string::npos) << second.err;

  const ProgramResult file =
      run_program({"serve", "--socket", directory_.file("disk.img"), "--disk", directory_.file("disk.img")});
  EXPECT_EQ(file.status, 2);
  EXPECT_TRUE(std::filesystem::exists(directory_.file("disk.img")));
}

TEST_F(CliServe, NamesWhatIsWrongWithItsOptions) {
  EXPECT_EQ(run_program({"serve", "--socket", socket()}).status, 2);
  EXPECT_EQ(run_program({"serve", "--socket", socket(), "--disk", directory_.file("none")}).status, 2);
  EXPECT_EQ(run_program(arguments({"--device", "packed=perhaps"})).status, 2);
  EXPECT_EQ(run_program(arguments({"--device", "ide"})).status, 2);
  EXPECT_FALSE(std::filesystem::exists(socket()));
}

// The model, served by another process, is the model: what can run there agrees in every event.
TEST_F(CliServe, AgreesWithTheModelOnWhatCanRunThere) {
  const ProgramResult result =
      run_program({"compare", "--left", "model", "--right", "vfio-user", "--json", "identify", "read-write", "flush",
                   "packed", "multi-queue", "intx", "legacy", "behind-bridge", "ecam", "two-disks", "polled"});
  EXPECT_EQ(result.status, 0) << result.err;
  const auto document = nlohmann::json::parse(result.out);
  EXPECT_EQ(document["agree"], 10);
  EXPECT_EQ(document["skip"], 1) << "intx, which asks the bench to resize the disk";
}

// At a socket, too, where the disk has whatever it has: the contents come through the disk itself.
TEST_F(CliServe, AgreesWithTheModelAtASocket) {
  std::filesystem::resize_file(directory_.file("disk.img"), 16u << 20);
  Program server(arguments());
  { EXPECT_EQ(client().region_bytes(vfio_user::kConfig), 256u); }
  const ProgramResult result =
      run_program({"compare", "-j", "1", "--left", "model", "--right", "vfio-user,socket=" + socket(), "--json",
                   "read-write", "discard", "removal", "packed", "read-only"});
  EXPECT_EQ(result.status, 0) << result.err;
  const auto document = nlohmann::json::parse(result.out);
  EXPECT_EQ(document["agree"], 3);
  EXPECT_EQ(document["skip"], 2) << "what the served disk has not got";

  const ProgramResult nobody = run_program({"run", "flush", "--on", "vfio-user,socket=" + directory_.file("nobody")});
  EXPECT_EQ(nobody.status, 1);
  EXPECT_NE((nobody.out + nobody.err).find("No such file"), std::string::npos) << nobody.out << nobody.err;
}

// What a disk at a socket is, nobody says but itself: what cannot be seen by a feature bit is looked for.
TEST_F(CliServe, SkipsAtASocketWhatTheServedDiskIsNot) {
  std::filesystem::resize_file(directory_.file("disk.img"), 16u << 20);
  Program server(arguments({"--device", "bus=port0"}));
  { EXPECT_EQ(client().region_bytes(vfio_user::kConfig), 4096u); }
  const ProgramResult result = run_program(
      {"compare", "-j", "1", "--left", "model", "--right", "vfio-user,socket=" + socket(), "--json", "ecam", "flr"});
  EXPECT_EQ(result.status, 0) << result.err;
  const auto document = nlohmann::json::parse(result.out);
  EXPECT_EQ(document["agree"], 1);
  EXPECT_EQ(document["skip"], 1);
  EXPECT_NE(result.out.find("has no capability for ATS"), std::string::npos) << result.out;
}

// The contents are read back at the end, however much memory the scenario has used.
TEST_F(CliServe, AgreesWithTheModelAtASocketOnTheLargestRing) {
  std::filesystem::resize_file(directory_.file("disk.img"), 16u << 20);
  Program server(arguments({"--device", "queue-size=32768"}));
  { EXPECT_EQ(client().region_bytes(vfio_user::kConfig), 256u); }
  const ProgramResult result =
      run_program({"compare", "--left", "model", "--right", "vfio-user,socket=" + socket(), "largest-ring"});
  EXPECT_EQ(result.status, 0) << result.out << result.err;
}

}  // namespace
}  // namespace ringside::tests
