#include "testbench/scenarios/list.h"

namespace ringside::scenarios {
namespace {

constexpr Scenario kScenarios[] = {
    {"enumerate", "scan bus 0: identity, BARs and capabilities of every function", enumerate},
    {"boot-log", "bring the disk up and take it down; the driver's messages", boot_log},
    {"identify", "all configuration space, features, queue defaults and device configuration", identify},
    {"write-masks", "which bits of the disk's configuration space can be written", write_masks},
    {"read-write", "blocking reads and writes of many sizes, contents and neighbours checked", read_write},
    {"scatter-gather", "requests in many odd pieces, with and without indirect descriptors", scatter_gather},
    {"batch", "32 requests per doorbell, reads and writes mixed", batch},
    {"small-ring-wrap", "70,000 requests through a ring of 16: the 16-bit indices wrap", small_ring_wrap},
    {"flush", "flush between writes, and without the feature", flush},
    {"get-id", "the device's identification string", get_id},
    {"discard", "discard ranges, then write and read them", discard},
    {"write-zeroes", "zero ranges with and without unmap; neighbours checked", write_zeroes},
    {"write-cache", "switch the write cache between write-back and write-through", write_cache},
    {"refused", "requests that the driver, and then the device, must refuse", refused},
    {"polled", "a mixed workload with completion by polling", polled},
    {"intx", "a mixed workload with completion by INTx", intx},
    {"msix", "a mixed workload with completion by MSI-X", msix},
    {"event-index", "interrupt and doorbell suppression, by event index and by flags", event_index},
    {"queue-reset", "reset the queue, enable it with other sizes, go on", queue_reset},
    {"out-of-order", "long and short requests and flushes together; completions overtake each other", out_of_order},
    {"image", "read the whole disk, hash it piecewise, rewrite and restore blocks", image},
    {"legacy", "the legacy interface of a device that has no other", legacy, {nullptr, {"disable-modern=on"}}},
    {"transitional", "legacy and modern driver in turn on one device", transitional},
    {"pci-cfg-window", "the modern structures through the window in configuration space", pci_cfg_window},
    {"ecam", "configuration space through memory, extended part included", ecam, {"q35", {"bus=port0,ats=on"}}},
    {"behind-bridge", "a disk behind a PCI-to-PCI bridge", behind_bridge, {"pc", {"bus=bridge0,addr=03.0"}}},
    {"behind-root-port", "a disk behind a PCI Express root port", behind_bridge, {"q35", {"bus=port0"}}},
    {"two-disks",
     "two disks in use at the same time, on vectors and on one INTx line",
     two_disks,
     {nullptr, {"addr=04.0", "addr=06.0"}}},
    {"multi-function",
     "two disks as functions of one device",
     multi_function,
     {nullptr, {"addr=07.0,multifunction=on", "addr=07.1"}}},
    {"msix-mask", "a masked MSI-X entry holds its interrupt back", msix_mask},
    {"flr", "function-level reset, idle and with requests in flight", flr, {"q35", {"bus=port0"}}},
    {"removal",
     "the disk is pulled out with requests in flight, and put back",
     removal,
     {nullptr, {}, 0, asking(Ask::unplug) | asking(Ask::plug)}},
};

}  // namespace

ScenarioList all_scenarios() { return {kScenarios, sizeof(kScenarios) / sizeof(kScenarios[0])}; }

}  // namespace ringside::scenarios
