#include "testbench/checks/virtio_numbers.h"
#include "testbench/tests/violation_case.h"

namespace ringside::checks {
namespace {

using namespace trace;

// The offer decides which rules hold for doorbells.
void discover_and_negotiate(HandLog& log, std::uint64_t features) {
  log.discover();
  log.reset();
  log.negotiate(features, features);
}
constexpr std::uint64_t kWithData = HandLog::kFeatures | std::uint64_t{1} << VIRTIO_F_NOTIFICATION_DATA;

// Takes one structure out of the list: `before` points behind it.
void skip(HandLog& log, unsigned before, unsigned after) { log.set(before, static_cast<std::uint8_t>(after)); }

void size_bar(HandLog& log, unsigned bar, std::uint64_t mask) {
  log.config_access(Kind::config_write, 0x10 + 4 * bar, 4, 0xffff'ffff);
  log.config_access(Kind::config_read, 0x10 + 4 * bar, 4, mask);
}

const Violated kCases[] = {
    {"BarOfNoSize", "device pci-dev-01",
     [](HandLog& log) {
       log.discover();
       size_bar(log, 1, 0xffff'd000);
     }},
    {"CapabilityInTheHeader", "device pci-dev-01",
     [](HandLog& log) {
       log.set(0x34, 0x20);
       log.discover();
     }},
    {"CapabilitiesWithoutEnd", "device pci-dev-01",
     [](HandLog& log) {
       log.set(HandLog::kMsixCap + 1, HandLog::kCommonCap);
       log.discover();
     }},
    {"NoDeviceHasThisId", "device pcidisc-dev-02",
     [](HandLog& log) {
       log.set(2, 0x20);
       log.discover();
     }},
    {"TransitionalIdWithoutPorts", "device pcidisc-dev-05",
     [](HandLog& log) {
       log.make_transitional();
       log.set(8, 1);
       log.set(0x11, 0x10);
       log.set(0x10, 0);
       log.discover();
     }},
    {"ModernDeviceOfRevision0", "device pcidisc-dev-06",
     [](HandLog& log) {
       log.set(8, 0);
       log.discover();
     }},
    {"ModernDeviceOfALowSubsystem", "device pcidisc-dev-07",
     [](HandLog& log) {
       log.set(0x2f, 0);
       log.set(0x2e, 2);
       log.discover();
     }},
    {"TransitionalDeviceOfRevision1", "device legpcidisc-dev-01",
     [](HandLog& log) {
       log.make_transitional();
       log.set(8, 1);
       log.discover();
     }},
    {"TransitionalDeviceOfAnotherSubsystem", "device legpcidisc-dev-02",
     [](HandLog& log) {
       log.make_transitional();
       log.set(0x2e, 3);
       log.discover();
     }},
    {"LegacyRegistersInMemory", "device legpcilayout-dev-01",
     [](HandLog& log) {
       log.make_transitional();
       log.set(0x11, 0x10);
       log.set(0x10, 0);
       log.discover();
     }},
    {"LegacyInterfaceWithoutLookingForAnother", "driver legpcilayout-drv-04",
     [](HandLog& log) {
       log.config_access(Kind::config_read, 0, 4, 0x1001'1af4);
       log.access(Kind::register_read, Structure::legacy, 0, 4, 0);
     }},
    {"CapabilityTooShort", "device pcicap-dev-01",
     [](HandLog& log) {
       log.set(HandLog::kNotifyCap + 2, 16);
       log.discover();
     }},
    {"CapabilityWritten", "driver pcicap-drv-08",
     [](HandLog& log) {
       log.discover();
       log.config_access(Kind::config_write, HandLog::kCommonCap + 8, 4, 0);
     }},
    {"CommonConfigurationMisaligned", "device pcicommon-dev-01",
     [](HandLog& log) {
       log.set(HandLog::kCommonCap + 8, 2);
       log.discover();
     }},
    {"DeviceConfigurationMisaligned", "device pcidevcfg-dev-01",
     [](HandLog& log) {
       log.set(HandLog::kDeviceCap + 8, 2);
       log.discover();
     }},
    {"NoCommonConfiguration", "device pcicommon-dev-02",
     [](HandLog& log) {
       skip(log, 0x34, HandLog::kNotifyCap);
       log.discover();
     }},
    {"NoDoorbells", "device pcinotify-dev-01",
     [](HandLog& log) {
       skip(log, HandLog::kCommonCap + 1, HandLog::kIsrCap);
       log.discover();
     }},
    {"NoIsr", "device pciisr-dev-01",
     [](HandLog& log) {
       skip(log, HandLog::kNotifyCap + 1, HandLog::kDeviceCap);
       log.discover();
     }},
    {"NoDeviceConfiguration", "device pcidevcfg-dev-02",
     [](HandLog& log) {
       skip(log, HandLog::kIsrCap + 1, HandLog::kWindowCap);
       log.discover();
     }},
    {"NoWindow", "device pcicfgwin-dev-01",
     [](HandLog& log) {
       skip(log, HandLog::kDeviceCap + 1, HandLog::kMsixCap);
       log.discover();
     }},
    {"DoorbellsMisaligned", "device pcinotify-dev-02",
     [](HandLog& log) {
       log.set(HandLog::kNotifyCap + 8, 1);
       discover_and_negotiate(log, HandLog::kFeatures);
     }},
    {"MultiplierNoPowerOfTwo", "device pcinotify-dev-03",
     [](HandLog& log) {
       log.set(HandLog::kNotifyCap + 16, 6);
       discover_and_negotiate(log, HandLog::kFeatures);
     }},
    {"DoorbellsOfOneByte", "device pcinotify-dev-04",
     [](HandLog& log) {
       log.set(HandLog::kNotifyCap + 12, 1);
       log.set(HandLog::kNotifyCap + 13, 0);
       discover_and_negotiate(log, HandLog::kFeatures);
     }},
    {"DoorbellOutsideOfItsStructure", "device pcinotify-dev-06",
     [](HandLog& log) {
       discover_and_negotiate(log, HandLog::kFeatures);
       log.read_common(0x1e, 2, 0x400);
     }},
    {"MultiplierTooSmallForData", "device pcinotify-dev-07",
     [](HandLog& log) {
       log.set(HandLog::kNotifyCap + 16, 2);
       discover_and_negotiate(log, kWithData);
     }},
    {"DoorbellsMisalignedForData", "device pcinotify-dev-08",
     [](HandLog& log) {
       log.set(HandLog::kNotifyCap + 8, 2);
       discover_and_negotiate(log, kWithData);
     }},
    {"DoorbellsTooShortForData", "device pcinotify-dev-09",
     [](HandLog& log) {
       log.set(HandLog::kNotifyCap + 12, 2);
       log.set(HandLog::kNotifyCap + 13, 0);
       discover_and_negotiate(log, kWithData);
     }},
    {"DataDoorbellOutsideOfItsStructure", "device pcinotify-dev-11",
     [](HandLog& log) {
       discover_and_negotiate(log, kWithData);
       log.read_common(0x1e, 2, 0x400);
     }},
    {"SharedMemoryOutsideOfItsBar", "device pcishm-dev-01",
     [](HandLog& log) {
       log.add_structure(HandLog::kFreeCap, 8, 24);
       log.set(HandLog::kFreeCap + 4, 2);
       log.set(HandLog::kFreeCap + 13, 0x20);
       log.discover();
       size_bar(log, 2, 0xffff'e000);
     }},
    {"SharedMemoryWithoutAName", "device pcishm-dev-02",
     [](HandLog& log) {
       log.add_structure(HandLog::kFreeCap, 8, 24);
       log.add_structure(HandLog::kFreeCap + 24, 8, 24);
       log.discover();
     }},
    {"VendorDataOfNoOther", "device pcivendor-dev-01",
     [](HandLog& log) {
       log.add_structure(HandLog::kFreeCap, 9, 16);
       log.set(HandLog::kFreeCap + 4, 0xf4);
       log.set(HandLog::kFreeCap + 5, 0x1a);
       log.discover();
     }},
    {"VendorDataOfOddLength", "device pcivendor-dev-02",
     [](HandLog& log) {
       log.add_structure(HandLog::kFreeCap, 9, 18);
       log.discover();
     }},
    {"WindowMisaligned", "driver pcicfgwin-drv-01",
     [](HandLog& log) {
       log.discover();
       log.config_access(Kind::config_write, HandLog::kWindowCap + 8, 4, 0x1002).flags = 1;
       log.config_access(Kind::config_write, HandLog::kWindowCap + 12, 4, 4).flags = 1;
       log.config_access(Kind::config_read, HandLog::kWindowCap + 16, 4, 0).flags = 1;
     }},
    {"WindowOnNothing", "driver pcicfgwin-drv-03",
     [](HandLog& log) {
       log.discover();
       log.config_access(Kind::config_read, HandLog::kWindowCap + 16, 4, 0);
     }},
};

}  // namespace

std::span<const Violated> pci_violations() { return kCases; }

}  // namespace ringside::checks
