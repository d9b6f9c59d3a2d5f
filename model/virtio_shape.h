// Where everything lies in a virtio-blk function: identity, BARs, capabilities. It depends on what the function is this
// time, and is laid out as QEMU's virtio-blk-pci lays it out.
#pragma once

#include <cstdint>

#include "model/config_space.h"
#include "model/properties.h"

namespace ringside::model {

struct VirtioShape {
  static constexpr unsigned kLegacyBar = 0;
  static constexpr unsigned kMsixBar = 1;
  static constexpr unsigned kModernBar = 4;

  // The structures in kModernBar, one page each but the last.
  static constexpr std::uint32_t kStructureBytes = 0x1000;
  static constexpr std::uint32_t kCommonOffset = 0x0000;
  static constexpr std::uint32_t kIsrOffset = 0x1000;
  static constexpr std::uint32_t kDeviceOffset = 0x2000;
  static constexpr std::uint32_t kNotifyOffset = 0x3000;

  bool legacy = true;    // registers in kLegacyBar
  bool modern = true;    // structures in kModernBar
  bool express = false;  // a PCI Express endpoint: behind a root port, unless it is a legacy device
  bool ats = false;
  bool multifunction = false;

  // --- BARs
  std::uint32_t legacy_bytes = 0;
  std::uint32_t msix_bytes = 0;
  std::uint32_t modern_bytes = 0;
  std::uint16_t vectors = 0;  // 0: no MSI-X
  std::uint32_t pba_offset = 0;
  std::uint32_t notify_bytes = 0;
  std::uint32_t notify_multiplier = 0;

  // --- Capabilities that act when they are written; 0: not there.
  unsigned express_cap = 0;
  unsigned pm_cap = 0;
  unsigned pci_cfg_cap = 0;
  unsigned msix_cap = 0;

  // `config_bytes` is the length of the device configuration: it follows the legacy registers in kLegacyBar.
  [[nodiscard]] static VirtioShape of(const BlkProperties& properties, std::uint32_t config_bytes);
  // Without its BARs, which the function declares.
  [[nodiscard]] ConfigSpace config_space() const;
};

// 4.1.4: struct virtio_pci_cap, from its first byte on.
inline constexpr unsigned kCapBar = 4;
inline constexpr unsigned kCapOffset = 8;
inline constexpr unsigned kCapLength = 12;
inline constexpr unsigned kCapPciCfgData = 16;

// The PCI Express capability (PCIe 4.0, 7.5.3).
inline constexpr unsigned PCI_EXP_DEVCTL = 8;
inline constexpr unsigned PCI_EXP_LNKCTL = 16;
inline constexpr std::uint16_t PCI_EXP_DEVCTL_BCR_FLR = 0x8000;

// Power management (PCI Power Management 1.2, 3.2).
inline constexpr unsigned PCI_PM_CTRL = 4;
inline constexpr std::uint16_t PCI_PM_CTRL_STATE_MASK = 3;
inline constexpr std::uint16_t PCI_PM_CTRL_STATE_D3 = 3;

}  // namespace ringside::model
