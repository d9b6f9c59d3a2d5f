// Which QEMU: found, asked for its version, named in reports.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ringside::targets {

struct QemuVersion {
  unsigned major = 0;
  unsigned minor = 0;
};

// Takes "7.2" off the beginning of `text`.
[[nodiscard]] std::optional<QemuVersion> take_version(std::string_view& text);

struct QemuBinary {
  std::string path;
  QemuVersion numbers;
  std::string version;  // "7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)"
};

inline constexpr char kDefaultQemu[] = "qemu-system-x86_64";

// A name without a slash is looked up in PATH. Throws LackingError when `wanted` is empty (the default one) and none is
// installed; InputError when the wanted one is missing, not executable or no QEMU.
[[nodiscard]] QemuBinary find_qemu(const std::string& wanted);

// What it says of the properties of virtio-blk-pci: a line for each, "  NAME=...". Throws InputError when it does not
// answer.
[[nodiscard]] std::string qemu_device_help(const QemuBinary& binary);

// Empty when there is none in PATH.
[[nodiscard]] std::string default_qemu_path();

}  // namespace ringside::targets
