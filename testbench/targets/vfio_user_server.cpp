#include "testbench/targets/vfio_user_server.h"

#include <fmt/core.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <thread>
#include <vector>

#include "testbench/targets/device_properties.h"
#include "testbench/targets/run_aborted.h"
#include "testbench/vfio_user/client.h"

namespace ringside::targets {
namespace {

constexpr char kThisProgram[] = "/proc/self/exe";
constexpr std::chrono::seconds kStart{10};
constexpr std::chrono::milliseconds kBetweenConnects{2};

std::string own_path() { return std::filesystem::read_symlink(kThisProgram).string(); }

std::string make_directory() {
  std::string path = (std::filesystem::temp_directory_path() / "ringside-serve-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) {
    throw RunAborted("no temporary directory for a socket");
  }
  return path;
}

// What was given of the disk, but for its slot, which is the client's affair; and the serial number, which depends on
// its place among the others.
std::string properties_of(const DiskPlan& plan) {
  std::string text = "serial=" + with_commas_doubled(plan.properties.serial);
  for (const auto& [name, value] : plan.given.values()) {
    if (name != "serial" && name != "addr") {
      text += "," + name + "=" + with_commas_doubled(value);
    }
  }
  return text;
}

}  // namespace

VfioUserServer::VfioUserServer(const DiskPlan& plan, const DiskImage& image)
    : context_(std::make_unique<boost::asio::io_context>()), directory_(make_directory()) {
  const int fd = image.fd();
  try {
    process_ = std::make_unique<QemuProcess>(
        *context_, own_path(),
        std::vector<std::string>{"serve", "--socket", directory_ + "/s", "--disk", fmt::format("/proc/self/fd/{}", fd),
                                 "--write-through", "--once", "--device", properties_of(plan)},
        std::span(&fd, 1));
  } catch (const std::system_error& problem) {
    throw RunAborted(std::string("a server of the disk cannot be started: ") + problem.what());
  }
}

VfioUserServer::~VfioUserServer() {
  process_.reset();
  remove_directory();
}

void VfioUserServer::remove_directory() const {
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

Descriptor VfioUserServer::connect() {
  const auto deadline = std::chrono::steady_clock::now() + kStart;
  for (;;) {
    try {
      Descriptor connection = vfio_user::connect_to(directory_ + "/s");
      remove_directory();  // which nobody would do if this process were killed
      return connection;
    } catch (const vfio_user::StreamError& problem) {
      if (process_->wait_for_end(std::chrono::steady_clock::now() + kBetweenConnects) ||
          std::chrono::steady_clock::now() >= deadline) {
        throw RunAborted(process_->obituary(problem.what()));
      }
    }
  }
}

}  // namespace ringside::targets
