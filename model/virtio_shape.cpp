#include "model/virtio_shape.h"

#include <array>
#include <bit>
#include <initializer_list>
#include <vector>

#include "model/mutants.h"
#include "model/virtio.h"

namespace ringside::model {
namespace {

constexpr std::uint16_t kRedHat = 0x1af4;
constexpr std::uint16_t kTransitionalBlock = 0x1001;
constexpr std::uint16_t kModernBlock = 0x1042;
constexpr std::uint16_t kVirtioBlockId = 2;
constexpr std::uint16_t kQemuSubsystem = 0x1100;
constexpr std::uint16_t kMassStorageScsi = 0x0100;

constexpr std::uint16_t kNotifyRegions = 1024;  // as many queues as a virtio device of QEMU may have
constexpr std::uint32_t kMsixHalf = 0x800;
constexpr std::uint32_t kSmallestMsixBar = 0x1000;

constexpr unsigned kFirstCapability = 0x40;
constexpr unsigned kCapabilityBytes = 16;
constexpr unsigned kLongCapabilityBytes = 20;  // of the two structures with a word more
constexpr unsigned kExpressCapabilityBytes = 0x3c;
constexpr unsigned kPmCapabilityBytes = 8;

// The PCI Express capability of version 2 (PCIe 4.0, 7.5.3), of an endpoint with one lane at 2.5 GT/s.
constexpr std::uint16_t kExpressVersion = 2;
constexpr std::uint32_t kExpressDeviceCap = 0x1000'8000;  // role-based errors, function-level reset
constexpr std::uint32_t kExpressLinkCap = 0x0000'0411;    // ASPM L0s
constexpr std::uint16_t kExpressLinkStatus = 0x0011;
constexpr std::uint32_t kExpressDeviceCap2 = 0x0030'0000;  // extended format, end-to-end prefixes
constexpr unsigned PCI_EXP_LNKSTA = 18;
constexpr unsigned PCI_EXP_DEVCTL2 = 40;
constexpr std::uint16_t kErrorReporting = 0x000f;
constexpr std::uint16_t kLinkControl = 0x00c0;  // common clock, extended synch
constexpr std::uint16_t kBlockPrefixes = 0x8000;

constexpr std::uint8_t kPmVersion = 3;

// Extended capabilities begin here (PCIe 4.0, 7.6.1). Zeroes say that there are none.
constexpr unsigned kExtendedCapabilities = 0x100;

// Address translation services (PCIe 4.0, 10.5.1).
constexpr std::uint32_t kAtsHeader = 0x0001'000f;
constexpr std::uint32_t kAtsPageAligned = 0x0000'0020;
constexpr std::uint32_t kAtsControl = 0x800f'0000;  // enable, smallest translation unit

using Body = std::vector<std::uint8_t>;

void put(Body& body, std::uint32_t value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) {
    body.push_back(static_cast<std::uint8_t>(value >> 8 * i));
  }
}

// 4.1.4: struct virtio_pci_cap, behind its first two bytes.
Body virtio_capability(std::uint8_t type, std::uint8_t bar, std::uint32_t offset, std::uint32_t length) {
  Body body{kCapabilityBytes, type, bar, 0, 0, 0};
  put(body, offset, 4);
  put(body, length, 4);
  return body;
}

Body long_virtio_capability(std::uint8_t type, std::uint8_t bar, std::uint32_t offset, std::uint32_t length,
                            std::uint32_t more) {
  Body body = virtio_capability(type, bar, offset, length);
  body[0] = kLongCapabilityBytes;
  put(body, more, 4);
  return body;
}

void shape_msix(VirtioShape& shape) {
  if (shape.vectors == 0) {
    return;
  }
  const std::uint32_t table = shape.vectors * kMsixEntryBytes;
  shape.pba_offset = table > kMsixHalf ? table : kMsixHalf;
  const std::uint32_t pba = (shape.vectors + 63u) / 64 * 8;
  const std::uint32_t end = shape.pba_offset + pba;
  shape.msix_bytes = end > kSmallestMsixBar ? std::bit_ceil(end) : kSmallestMsixBar;
}

// Capabilities lie one behind the other.
void place_capabilities(VirtioShape& shape) {
  unsigned at = kFirstCapability;
  if (shape.express) {
    shape.express_cap = at;
    at += kExpressCapabilityBytes;
    shape.pm_cap = at;
    at += kPmCapabilityBytes;
  }
  if (shape.modern) {
    at += 3 * kCapabilityBytes + kLongCapabilityBytes;
    shape.pci_cfg_cap = at;
    at += kLongCapabilityBytes;
  }
  if (shape.vectors != 0) {
    shape.msix_cap = at;
  }
}

FunctionIdentity identity_of(const VirtioShape& shape) {
  FunctionIdentity identity{};
  identity.vendor = kRedHat;
  identity.device = shape.legacy ? kTransitionalBlock : kModernBlock;
  identity.revision = shape.legacy ? 0 : 1;  // 4.1.2.1, and 4.1.2.3 for a transitional device
  identity.class_code = kMassStorageScsi;
  identity.header_type = shape.multifunction ? PCI_HEADER_TYPE_MULTI_FUNCTION : 0;
  const bool any_capability = shape.modern || shape.express || shape.vectors != 0;
  identity.status = any_capability ? PCI_STATUS_CAP_LIST : 0;
  identity.subsystem_vendor = kRedHat;
  identity.subsystem = shape.legacy && !mutant(Mutant::subsystem_wrong) ? kVirtioBlockId : kQemuSubsystem;
  identity.interrupt_pin = mutant(Mutant::interrupt_pin_wrong) ? 2 : 1;
  return identity;
}

void add_express(ConfigSpace& space, unsigned at) {
  Body body;
  put(body, kExpressVersion, 2);
  put(body, kExpressDeviceCap, 4);
  put(body, 0, 4);  // device control and status
  put(body, kExpressLinkCap, 4);
  body.resize(kExpressCapabilityBytes - 2);
  space.add_capability(at, PCI_CAP_ID_EXP, body);
  // The reset bit never reads back: what it sets off clears it.
  space.define16(at + PCI_EXP_DEVCTL, 0, kErrorReporting | PCI_EXP_DEVCTL_BCR_FLR);
  space.define16(at + PCI_EXP_LNKCTL, 0, kLinkControl);
  space.define16(at + PCI_EXP_LNKSTA, kExpressLinkStatus);
  space.define32(at + PCI_EXP_DEVCTL2 - 4, kExpressDeviceCap2);
  space.define16(at + PCI_EXP_DEVCTL2, 0, kBlockPrefixes);
}

void add_power_management(ConfigSpace& space, unsigned at) {
  constexpr std::array<std::uint8_t, kPmCapabilityBytes - 2> kBody{kPmVersion};
  space.add_capability(at, PCI_CAP_ID_PM, kBody);
  space.define16(at + PCI_PM_CTRL, 0, PCI_PM_CTRL_STATE_MASK);
}

void add_structures(ConfigSpace& space, const VirtioShape& shape) {
  constexpr auto kBar = static_cast<std::uint8_t>(VirtioShape::kModernBar);
  constexpr std::uint32_t kPage = VirtioShape::kStructureBytes;
  unsigned at = shape.pci_cfg_cap - 3 * kCapabilityBytes - kLongCapabilityBytes;
  const auto add = [&](const Body& body) {
    const bool hidden = mutant(Mutant::capability_hidden) && body[1] == VIRTIO_PCI_CAP_ISR_CFG;
    space.add_capability(at, hidden ? PCI_CAP_ID_PM : PCI_CAP_ID_VNDR, body);
    at += body[0];
  };
  add(virtio_capability(VIRTIO_PCI_CAP_COMMON_CFG, kBar, VirtioShape::kCommonOffset, kPage));
  add(virtio_capability(VIRTIO_PCI_CAP_ISR_CFG, kBar, VirtioShape::kIsrOffset, kPage));
  add(virtio_capability(VIRTIO_PCI_CAP_DEVICE_CFG, kBar, VirtioShape::kDeviceOffset, kPage));
  add(long_virtio_capability(VIRTIO_PCI_CAP_NOTIFY_CFG, kBar, VirtioShape::kNotifyOffset, shape.notify_bytes,
                             shape.notify_multiplier << (mutant(Mutant::notify_multiplier_doubled) ? 1 : 0)));
  add(long_virtio_capability(VIRTIO_PCI_CAP_PCI_CFG, 0, 0, 0, 0));
  space.make_writable(shape.pci_cfg_cap + kCapBar, shape.pci_cfg_cap + kCapBar);
  space.make_writable(shape.pci_cfg_cap + kCapOffset, shape.pci_cfg_cap + kCapPciCfgData + 3);
}

void add_msix(ConfigSpace& space, const VirtioShape& shape) {
  Body body;
  put(body, shape.vectors - 1u, 2);
  put(body, VirtioShape::kMsixBar, 4);
  put(body, VirtioShape::kMsixBar | shape.pba_offset, 4);
  space.add_capability(shape.msix_cap, PCI_CAP_ID_MSIX, body);
  const auto last_vector_high = static_cast<std::uint8_t>((shape.vectors - 1u) >> 8);
  space.define(shape.msix_cap + PCI_MSIX_FLAGS + 1, last_vector_high,
               (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8);
}

}  // namespace

VirtioShape VirtioShape::of(const BlkProperties& properties, std::uint32_t config_bytes) {
  VirtioShape shape;
  const bool behind_port = properties.place.bus.starts_with("port");
  shape.legacy =
      properties.disable_legacy == OnOffAuto::automatic ? !behind_port : properties.disable_legacy == OnOffAuto::off;
  shape.modern = !properties.disable_modern;
  shape.express = behind_port && shape.modern;
  shape.ats = properties.ats && shape.express;
  shape.multifunction = properties.place.multifunction;
  shape.vectors = properties.vectors == kVectorsAutomatic ? static_cast<std::uint16_t>(properties.num_queues + 1)
                                                          : properties.vectors;
  const std::uint32_t header = shape.vectors != 0 ? kLegacyHeaderBytesWithMsix : kLegacyHeaderBytes;
  shape.legacy_bytes = shape.legacy ? std::bit_ceil(header + config_bytes) : 0;
  shape.notify_multiplier = properties.page_per_vq ? kStructureBytes : 4;
  shape.notify_bytes = shape.notify_multiplier * kNotifyRegions;
  shape.modern_bytes = shape.modern ? std::bit_ceil(kNotifyOffset + shape.notify_bytes) : 0;
  shape.modern_bytes <<= mutant(Mutant::bar_too_large) ? 1 : 0;
  shape_msix(shape);
  place_capabilities(shape);
  return shape;
}

ConfigSpace VirtioShape::config_space() const {
  ConfigSpace space(identity_of(*this), express ? kExtendedConfigBytes : kConfigBytes);
  if (mutant(Mutant::write_mask_wrong)) {
    space.define(PCI_CACHE_LINE_SIZE, 0, 0xfe);
  }
  // What no capability takes, software may use as it likes.
  space.make_writable(kFirstCapability, static_cast<unsigned>(space.bytes()) - 1);
  if (express) {
    add_express(space, express_cap);
    add_power_management(space, pm_cap);
  }
  if (modern) {
    add_structures(space, *this);
  }
  if (vectors != 0) {
    add_msix(space, *this);
  }
  if (express) {
    space.define32(kExtendedCapabilities, ats ? kAtsHeader : 0);
  }
  if (ats) {
    space.define32(kExtendedCapabilities + 4, kAtsPageAligned, kAtsControl);
  }
  return space;
}

}  // namespace ringside::model
