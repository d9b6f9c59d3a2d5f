#include "testbench/serve/disk_for_clients.h"

#include <fmt/core.h>

#include "testbench/serve/listener.h"
#include "testbench/serve/served_disk.h"
#include "testbench/serve/server.h"
#include "testbench/targets/disk_image.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/model_disk.h"
#include "testbench/targets/model_settings.h"

namespace ringside::serve {
namespace {

constexpr std::uint64_t kSectorBytes = 512;

targets::DiskPlan plan_of(const targets::RunSettings& settings) {
  const targets::MachinePlan plan = targets::plan_machine(settings);
  if (plan.disks.size() != 1 || plan.disks.front().given.ide()) {
    throw targets::InputError("expected one disk, and no ide: what is served is a virtio function");
  }
  return plan.disks.front();
}

}  // namespace

bool serve(const Order& order, const Notice& notice) {
  const targets::DiskPlan plan = plan_of(order.settings);
  const targets::DiskImage image = targets::DiskImage::named(plan.image, order.settings.write_through);
  targets::ModelDisk storage(image, order.settings.write_through);
  const ServedSetup setup{{&storage.storage(), image.bytes() / kSectorBytes, plan.properties.serial},
                          plan.properties,
                          targets::model_latencies(order.settings),
                          nullptr};
  Listener listener(order.socket);
  ServedDisk& disk = ServedDisk::instance();
  Server server(
      listener, disk, [&] { disk.power_on(setup); }, notice);
  notice(fmt::format("serving {} sectors of {} at {}", setup.disk.sectors, plan.image, listener.path()));
  return server.run({order.once});
}

}  // namespace ringside::serve
