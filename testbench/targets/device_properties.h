// What `--device` says of a disk: properties of virtio-blk-pci by QEMU's names, with QEMU's meaning on every target,
// and a few more for what QEMU 7.2 does not offer.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/properties.h"

namespace ringside::targets {

class DeviceProperties {
 public:
  // `NAME=VALUE,...`; a comma in a value is doubled. A first word without a value says what device it is:
  // virtio-blk-pci, or ide for a disk on the IDE controller. Throws InputError.
  [[nodiscard]] static DeviceProperties parse(const std::string& text);

  // What `more` says counts, and else what this said.
  void override_with(const DeviceProperties& more);

  [[nodiscard]] bool ide() const { return ide_; }
  [[nodiscard]] bool says(std::string_view name) const { return values_.find(name) != values_.end(); }
  // By name; numbers are plain decimal ones.
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& values() const { return values_; }

  void apply_to(model::BlkProperties& properties) const;

 private:
  std::map<std::string, std::string, std::less<>> values_;
  bool ide_ = false;
};

// Throws InputError when no device can be so, as QEMU does: block sizes that do not fit, a size that is no power of
// two, neither a legacy interface nor a modern one.
void check_combination(const model::BlkProperties& properties);

// Of which program a property is.
enum class PropertyOrigin : std::uint8_t {
  device,  // of virtio-blk-pci in QEMU 7.2
  drive,   // of the drive behind it in QEMU
  place,   // QEMU's too, but of our buses
  bench,   // QEMU 7.2 does not offer it; a later one may, by that name
};

// What `ringside list` says of each.
struct PropertySummary {
  std::string_view name;
  std::string_view meaning;
  std::string values;  // "on|off", "2 to 32768"
  PropertyOrigin origin;
};
[[nodiscard]] std::vector<PropertySummary> all_properties();
[[nodiscard]] PropertyOrigin origin_of(std::string_view property);

// Words between commas; a doubled comma stands for itself, as in QEMU's own options.
[[nodiscard]] std::vector<std::string> split_at_commas(std::string_view text);
[[nodiscard]] std::string with_commas_doubled(std::string_view text);

}  // namespace ringside::targets
