// What a log has told so far of each device: common knowledge of the monitors, learnt once per record and not by each
// of them. From the driver's side only, as the driver has read and written it.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "testbench/trace/record.h"
#include "testbench/trace/virtio_layout.h"

namespace ringside::checks {

// Configuration space of a function, as far as the driver has read it.
struct Function {
  enum class Kind : std::uint8_t { other, virtio, block };
  struct Bar {
    bool sizing = false;     // all ones were written last
    std::uint32_t mask = 0;  // what it read then
  };

  std::array<std::uint8_t, trace::kPciConfigBytes> bytes{};
  std::bitset<trace::kPciConfigBytes> known;
  std::array<Bar, trace::kPciBars> bars{};
  Kind kind = Kind::other;  // by its ids
  std::uint8_t unit = 0;    // of meaning when it is a block device
  unsigned news = 0;        // how often something was learnt

  [[nodiscard]] bool knows(unsigned offset, unsigned width) const { return word(offset, width).has_value(); }
  // 1 to 4 bytes; nothing where one of them is not known.
  [[nodiscard]] std::optional<std::uint32_t> word(unsigned offset, unsigned width) const {
    if (width == 1) {  // nearly always
      return offset < bytes.size() && known[offset] ? std::optional<std::uint32_t>(bytes[offset]) : std::nullopt;
    }
    std::uint32_t value = 0;
    for (unsigned i = 0; i < width; ++i) {
      if (offset + i >= bytes.size() || !known[offset + i]) {
        return std::nullopt;
      }
      value |= std::uint32_t{bytes[offset + i]} << (8 * i);
    }
    return value;
  }
  [[nodiscard]] bool is_virtio() const { return kind != Kind::other; }
  [[nodiscard]] bool is_block_device() const { return kind == Kind::block; }
  // The first capability with this id; 0 when there is none, or when the driver has not read so far.
  [[nodiscard]] unsigned capability(std::uint8_t id) const;
  // Whether the driver has followed the list to its end.
  [[nodiscard]] bool all_capabilities_known() const;
};

struct DeviceFacts {
  bool offer_known = false;
  std::uint64_t offered = 0;
  std::uint64_t accepted = 0;  // by the last FEATURES_OK, since the reset
  std::uint8_t status = 0;     // as the driver wrote it
  bool legacy = false;         // used by its legacy interface: the legacy sections hold instead (4.1.4.8)
  bool msix_enabled = false;
  bool gone = false;                     // its function has answered with all ones
  bool off_the_bus = false;              // bus mastering was taken from its function
  std::optional<std::uint32_t> vectors;  // entries of its MSI-X table
};

class Facts {
 public:
  // Before the monitors get the record.
  void see(const trace::Record& record) {
    // Rings and data are none of its business, and they are nearly all of a log.
    if (record.kind <= trace::Kind::features) {
      learn(record);
    }
  }
  // Whether this record resets a function as a whole (PCI Express, 6.6.2).
  [[nodiscard]] bool is_function_reset(const trace::Record& record) const;
  [[nodiscard]] const DeviceFacts& device(std::uint8_t unit) const {
    return unit < devices_.size() ? devices_[unit] : kNothing;
  }
  [[nodiscard]] const std::map<std::uint32_t, Function>& functions() const { return functions_; }
  // The one that the record being taken, of configuration space, is about; null as long as the driver has read nothing
  // there.
  [[nodiscard]] const Function* accessed() const { return accessed_; }
  // The function of a block device; null as long as the driver has not looked at it.
  [[nodiscard]] const Function* function_of(std::uint8_t unit) const {
    return unit < by_unit_.size() ? by_unit_[unit] : nullptr;
  }

 private:
  static const DeviceFacts kNothing;

  void learn(const trace::Record& record);
  void turn_to(std::uint32_t region);
  void config_read(const trace::Record& record);
  void config_write(const trace::Record& record);
  void learn_bytes(const trace::Record& record, Function& function);
  void learn_msix(const Function& function);
  void file(const Function& function);
  void forget(const Function& function);
  [[nodiscard]] DeviceFacts& of(std::uint8_t unit);

  std::vector<DeviceFacts> devices_;  // by unit
  std::map<std::uint32_t, Function> functions_;
  Function* accessed_ = nullptr;  // at accessed_region_, where the last record of configuration space was
  std::uint32_t accessed_region_ = 0;
  std::vector<const Function*> by_unit_;  // those that are block devices
};

}  // namespace ringside::checks
