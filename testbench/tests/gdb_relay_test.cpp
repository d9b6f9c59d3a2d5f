// The relay between a gdb and a gdbstub: what passes, what does not, and how it says goodbye.
#include "testbench/targets/gdb_relay.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <filesystem>
#include <optional>
#include <string>
#include <thread>

#include "testbench/targets/qemu_session.h"

namespace ringside::targets {
namespace {

class GdbRelayTest : public testing::Test {
 protected:
  GdbRelayTest() {
    SocketPair pair = make_sockets();
    stub_ = std::move(pair.theirs);
    relay_.emplace(std::move(pair.ours));
    const timeval patience{5, 0};
    ::setsockopt(stub_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    gdb_ = Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ::setsockopt(gdb_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }

  [[nodiscard]] bool connect() const {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    relay_->path().copy(address.sun_path, sizeof(address.sun_path) - 1);
    return ::connect(gdb_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  static void say(const Descriptor& from, const std::string& text) {
    ASSERT_EQ(::send(from.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // The next `count` bytes; fewer at the end of the connection.
  static std::string heard(const Descriptor& by, std::size_t count) {
    std::string text(count, '\0');
    const ssize_t size = ::recv(by.get(), text.data(), count, MSG_WAITALL);
    text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
    return text;
  }

  Descriptor stub_;
  Descriptor gdb_;
  std::optional<GdbRelay> relay_;
};

TEST_F(GdbRelayTest, PassesOnWhatBothSay) {
  ASSERT_TRUE(connect());
  say(gdb_, "+$g#67");
  EXPECT_EQ(heard(stub_, 6), "+$g#67");
  say(stub_, "$00#60");
  EXPECT_EQ(heard(gdb_, 6), "$00#60");
}

TEST_F(GdbRelayTest, NothingIsLeftInTheFileSystemOnceGdbHasCome) {
  const std::filesystem::path directory = std::filesystem::path(relay_->path()).parent_path();
  EXPECT_EQ(std::filesystem::status(directory).permissions(), std::filesystem::perms::owner_all);
  ASSERT_TRUE(connect());
  say(gdb_, "+");
  EXPECT_EQ(heard(stub_, 1), "+");
  EXPECT_FALSE(std::filesystem::exists(directory));
}

TEST_F(GdbRelayTest, NothingIsLeftInTheFileSystemWhenNobodyCame) {
  const std::filesystem::path directory = std::filesystem::path(relay_->path()).parent_path();
  EXPECT_TRUE(std::filesystem::exists(directory));
  relay_.reset();
  EXPECT_FALSE(std::filesystem::exists(directory));
}

TEST_F(GdbRelayTest, DetachDoesNotLetTheMachineRunOn) {
  ASSERT_TRUE(connect());
  say(gdb_, "+$D;1#b0");
  EXPECT_EQ(heard(gdb_, 7), "+$OK#9a");
  ::shutdown(gdb_.get(), SHUT_RDWR);
  relay_.reset();
  EXPECT_EQ(heard(stub_, 8), "");
}

TEST_F(GdbRelayTest, SaysHowTheRunEnded) {
  ASSERT_TRUE(connect());
  say(gdb_, "$c#63");
  EXPECT_EQ(heard(stub_, 5), "$c#63");
  std::thread run([this] { relay_->say_exited(1); });
  EXPECT_EQ(heard(gdb_, 7), "$W01#b8");
  ::shutdown(gdb_.get(), SHUT_WR);  // it waits for that, so that an acknowledgement does not fail
  run.join();
  EXPECT_EQ(heard(gdb_, 1), "");
}

}  // namespace
}  // namespace ringside::targets
