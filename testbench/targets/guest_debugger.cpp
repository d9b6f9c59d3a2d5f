#include "testbench/targets/guest_debugger.h"

#include <fmt/core.h>
#include <unistd.h>

#include <chrono>
#include <thread>
#include <utility>

#include "testbench/targets/guest_image.h"
#include "testbench/targets/qemu_session.h"
#include "testbench/targets/run_aborted.h"

namespace ringside::targets {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{20};
constexpr std::chrono::seconds kPatience{2};

}  // namespace

GuestDebugger::GuestDebugger(RemoteDebugger& debugger)
    : debugger_(debugger), image_(memory_file_of(guest_image().elf, "ringside-guest-elf")) {
  SocketPair stub = make_sockets();
  stub_ = std::move(stub.theirs);
  relay_.emplace(std::move(stub.ours));
}

void GuestDebugger::attach() {
  stub_.close();  // QEMU has its own, and its end is to be noticed
  debugger_.attach(relay_->path(), fmt::format("/proc/{}/fd/{}", ::getpid(), image_.get()));
}

void GuestDebugger::require_presence() {
  if (debugger_.ended()) {
    throw RunAborted(kDebuggerLeft);
  }
}

void GuestDebugger::require_presence_soon() {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    require_presence();
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

}  // namespace ringside::targets
