// The vfio-user protocol, version 0.0: a PCI function in another process than the machine that it is in. Numbers and
// layouts as QEMU's docs/interop/vfio-user.rst and Linux's <linux/vfio.h> have them; all of it is little-endian here,
// as the hosts are that this runs on.
#pragma once

#include <bit>
#include <cstdint>

namespace ringside::vfio_user {

static_assert(std::endian::native == std::endian::little);

inline constexpr std::uint16_t kMajor = 0;
inline constexpr std::uint16_t kMinor = 0;

enum class Command : std::uint16_t {
  version = 1,
  dma_map = 2,
  dma_unmap = 3,
  device_get_info = 4,
  device_get_region_info = 5,
  device_get_region_io_fds = 6,
  device_get_irq_info = 7,
  device_set_irqs = 8,
  region_read = 9,
  region_write = 10,
  dma_read = 11,
  dma_write = 12,
  device_reset = 13,
  region_write_multi = 15,
};

// --- The header of every message.
struct Header {
  std::uint16_t id;
  std::uint16_t command;
  std::uint32_t size;  // with this header
  std::uint32_t flags;
  std::uint32_t error;  // an errno, of a reply with kFlagError
};
static_assert(sizeof(Header) == 16);

inline constexpr std::uint32_t kTypeMask = 0xf;
inline constexpr std::uint32_t kTypeCommand = 0;
inline constexpr std::uint32_t kTypeReply = 1;
inline constexpr std::uint32_t kFlagNoReply = 1u << 4;
inline constexpr std::uint32_t kFlagError = 1u << 5;

// --- Limits, as this side tells the other in VERSION. QEMU takes none that are larger.
inline constexpr std::uint32_t kMostTransfer = 1u << 20;  // max_data_xfer_size
inline constexpr unsigned kMostDescriptors = 16;          // max_msg_fds
// Of any message: the largest payload is the data of a write, behind its description.
inline constexpr std::uint32_t kMostMessageBytes = sizeof(Header) + 64 + kMostTransfer;

// --- Payloads.
struct Version {
  std::uint16_t major;
  std::uint16_t minor;
  // JSON with a NUL behind it follows, or nothing.
};
static_assert(sizeof(Version) == 4);

struct DmaMap {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint64_t offset;  // in the file
  std::uint64_t address;
  std::uint64_t size;
};
static_assert(sizeof(DmaMap) == 32);
inline constexpr std::uint32_t kDmaReadable = 1u << 0;
inline constexpr std::uint32_t kDmaWritable = 1u << 1;

struct DmaUnmap {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint64_t address;
  std::uint64_t size;
};
static_assert(sizeof(DmaUnmap) == 24);
inline constexpr std::uint32_t kUnmapAll = 1u << 1;  // VFIO_DMA_UNMAP_FLAG_ALL: address and size are 0

struct DeviceInfo {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint32_t regions;
  std::uint32_t interrupts;  // how many kinds
};
static_assert(sizeof(DeviceInfo) == 16);
inline constexpr std::uint32_t kDeviceResets = 1u << 0;
inline constexpr std::uint32_t kDeviceIsPci = 1u << 1;

// Regions of a PCI function.
enum Region : std::uint32_t { kFirstBar = 0, kLastBar = 5, kRom = 6, kConfig = 7, kVga = 8, kRegions = 9 };

struct RegionInfo {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint32_t index;
  std::uint32_t cap_offset;
  std::uint64_t size;
  std::uint64_t offset;
};
static_assert(sizeof(RegionInfo) == 32);
inline constexpr std::uint32_t kRegionReadable = 1u << 0;
inline constexpr std::uint32_t kRegionWritable = 1u << 1;

// Kinds of interrupt of a PCI function.
enum class Irq : std::uint32_t { intx = 0, msi = 1, msix = 2, error = 3, request = 4 };
inline constexpr std::uint32_t kIrqKinds = 5;

struct IrqInfo {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint32_t index;
  std::uint32_t count;
};
static_assert(sizeof(IrqInfo) == 16);
inline constexpr std::uint32_t kIrqEventfd = 1u << 0;
inline constexpr std::uint32_t kIrqMaskable = 1u << 1;
inline constexpr std::uint32_t kIrqAutomasked = 1u << 2;

struct IrqSet {
  std::uint32_t argsz;
  std::uint32_t flags;
  std::uint32_t index;
  std::uint32_t start;
  std::uint32_t count;
  // With kIrqDataBool, a byte for each follows.
};
static_assert(sizeof(IrqSet) == 20);
inline constexpr std::uint32_t kIrqDataNone = 1u << 0;
inline constexpr std::uint32_t kIrqDataBool = 1u << 1;
inline constexpr std::uint32_t kIrqDataEventfd = 1u << 2;
inline constexpr std::uint32_t kIrqMask = 1u << 3;
inline constexpr std::uint32_t kIrqUnmask = 1u << 4;
inline constexpr std::uint32_t kIrqTrigger = 1u << 5;

struct RegionAccess {
  std::uint64_t offset;
  std::uint32_t region;
  std::uint32_t count;
  // Data follows in a write, and in the reply to a read.
};
static_assert(sizeof(RegionAccess) == 16);

}  // namespace ringside::vfio_user
