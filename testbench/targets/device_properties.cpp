#include "testbench/targets/device_properties.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <limits>
#include <optional>
#include <variant>

#include "testbench/targets/near_name.h"
#include "testbench/targets/target.h"

namespace ringside::targets {
namespace {

using model::BlkProperties;
using model::OnOffAuto;
using model::PciPlace;

// A property that is no plain field.
enum class Special : std::uint8_t { bus, address, multifunction };
using Field = std::variant<bool BlkProperties::*, OnOffAuto BlkProperties::*, std::uint16_t BlkProperties::*,
                           std::uint32_t BlkProperties::*, std::string BlkProperties::*, Special>;

struct Property {
  std::string_view name;
  std::string_view meaning;
  Field field;
  std::uint64_t least = 0;
  std::uint64_t most = 0;
  bool size = false;  // bytes: takes a suffix k, M or G
  PropertyOrigin origin = PropertyOrigin::device;
};

constexpr std::uint64_t kMost32 = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kLargestBlock = 2u << 20;
constexpr std::uint64_t kMostRequestSectors = 0x3f'ffff;  // QEMU's limit of one request
constexpr std::uint64_t kMostQueues = 64;
constexpr std::uint64_t kMostVectors = 128;
constexpr std::size_t kSerialBytes = 20;  // VIRTIO 1.2, 5.2.6: the string that GET_ID returns
constexpr auto kPlace = PropertyOrigin::place;
constexpr auto kBench = PropertyOrigin::bench;

constexpr std::array kProperties{
    Property{"bus", "where it sits: root, bridge0 (a PCI-to-PCI bridge), port0 to port3 (root ports of q35)",
             Special::bus, 0, 0, false, kPlace},
    Property{"addr", "its device and function number there, as 06.0 or 6", Special::address, 0, 0, false, kPlace},
    Property{"multifunction", "function 0 tells that there are more", Special::multifunction, 0, 0, false, kPlace},

    Property{"disable-legacy", "no legacy interface; auto: none behind a root port", &BlkProperties::disable_legacy},
    Property{"disable-modern", "no modern interface", &BlkProperties::disable_modern},
    Property{"page-per-vq", "a page for each queue's doorbell", &BlkProperties::page_per_vq},
    Property{"ats", "the ATS capability, behind a root port", &BlkProperties::ats},
    Property{"vectors", "entries of the MSI-X table; 0: no MSI-X (a vector for each queue and one more)",
             &BlkProperties::vectors, 0, kMostVectors},

    Property{"indirect_desc", "INDIRECT_DESC", &BlkProperties::indirect_desc},
    Property{"event_idx", "EVENT_IDX", &BlkProperties::event_idx},
    Property{"packed", "RING_PACKED", &BlkProperties::packed},
    Property{"queue_reset", "RING_RESET", &BlkProperties::queue_reset},
    Property{"iommu_platform", "ACCESS_PLATFORM; on the model, an IOMMU that translates",
             &BlkProperties::iommu_platform},
    Property{"notify_on_empty", "NOTIFY_ON_EMPTY, legacy only", &BlkProperties::notify_on_empty},
    Property{"any_layout", "ANY_LAYOUT, legacy only", &BlkProperties::any_layout},
    Property{"num-queues", "request queues; more than one offers MQ", &BlkProperties::num_queues, 1, kMostQueues},
    Property{"queue-size", "entries of a ring, a power of two; QEMU takes 4 to 1024", &BlkProperties::queue_size, 2,
             32768},

    Property{"config-wce", "CONFIG_WCE: the write cache can be switched", &BlkProperties::config_wce},
    Property{"discard", "DISCARD", &BlkProperties::discard},
    Property{"write-zeroes", "WRITE_ZEROES", &BlkProperties::write_zeroes},
    Property{"seg-max-adjust", "seg_max is the ring's size less 2, else 126", &BlkProperties::seg_max_adjust},
    Property{"write-cache", "write-back at power-on", &BlkProperties::write_cache},
    Property{"read_only", "RO: the drive is read-only", &BlkProperties::read_only, 0, 0, false, PropertyOrigin::drive},
    Property{"logical_block_size", "bytes, a power of two", &BlkProperties::logical_block_size, 512, kLargestBlock,
             true},
    Property{"physical_block_size", "bytes, a power of two (512, or the logical block)",
             &BlkProperties::physical_block_size, 512, kLargestBlock, true},
    Property{"min_io_size", "bytes, a multiple of the logical block", &BlkProperties::min_io_size, 0, kMost32, true},
    Property{"opt_io_size", "bytes, a multiple of the logical block", &BlkProperties::opt_io_size, 0, kMost32, true},
    Property{"discard_granularity", "bytes, a multiple of the logical block", &BlkProperties::discard_granularity, 0,
             kMost32, true},
    Property{"max-discard-sectors", "of one request", &BlkProperties::max_discard_sectors, 1, kMostRequestSectors},
    Property{"max-write-zeroes-sectors", "of one request", &BlkProperties::max_write_zeroes_sectors, 1,
             kMostRequestSectors},
    Property{"serial", "what GET_ID answers", &BlkProperties::serial},

    Property{"in_order", "IN_ORDER", &BlkProperties::in_order, 0, 0, false, kBench},
    Property{"notification_data", "NOTIFICATION_DATA", &BlkProperties::notification_data, 0, 0, false, kBench},
    Property{"notif_config_data", "NOTIF_CONFIG_DATA", &BlkProperties::notif_config_data, 0, 0, false, kBench},
    Property{"order_platform", "ORDER_PLATFORM", &BlkProperties::order_platform, 0, 0, false, kBench},
    Property{"lifetime", "LIFETIME", &BlkProperties::lifetime, 0, 0, false, kBench},
    Property{"secure_erase", "SECURE_ERASE", &BlkProperties::secure_erase, 0, 0, false, kBench},
    Property{"size_max", "SIZE_MAX: bytes of one segment; 0: not offered", &BlkProperties::size_max, 0, kMost32, true,
             kBench},
};

[[noreturn]] void refuse_value(const Property& property, std::string_view value, const std::string& expected) {
  throw InputError(fmt::format("--device: {} has the value \"{}\"; expected {}", property.name, value, expected));
}

bool parse_switch(const Property& property, std::string_view value) {
  if (value != "on" && value != "off") {
    refuse_value(property, value, "on or off");
  }
  return value == "on";
}

OnOffAuto parse_on_off_auto(const Property& property, std::string_view value) {
  if (value != "on" && value != "off" && value != "auto") {
    refuse_value(property, value, "on, off or auto");
  }
  return value == "auto" ? OnOffAuto::automatic : value == "on" ? OnOffAuto::on : OnOffAuto::off;
}

std::uint64_t take_suffix(std::string_view& value) {
  switch (value.empty() ? '\0' : value.back()) {
    case 'k':
    case 'K':
      value.remove_suffix(1);
      return 1u << 10;
    case 'M':
      value.remove_suffix(1);
      return 1u << 20;
    case 'G':
      value.remove_suffix(1);
      return 1u << 30;
    default:
      return 1;
  }
}

std::string range_text(const Property& property) {
  return fmt::format("{} to {}{}", property.least, property.most,
                     property.size ? " bytes, with a suffix k, M or G if you like" : "");
}

// Decimal, or hexadecimal after 0x.
std::optional<std::uint64_t> parse_digits(std::string_view text) {
  const bool hexadecimal = text.starts_with("0x");
  text.remove_prefix(hexadecimal ? 2 : 0);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, hexadecimal ? 16 : 10);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

std::uint64_t parse_number(const Property& property, std::string_view text) {
  std::string_view digits = text;
  const std::uint64_t unit = property.size ? take_suffix(digits) : 1;
  const std::optional<std::uint64_t> value = parse_digits(digits);
  if (!value || *value > property.most / unit || *value * unit < property.least) {
    refuse_value(property, text, range_text(property));
  }
  return *value * unit;
}

std::string parse_serial(const Property& property, std::string_view value) {
  const bool printable = std::ranges::all_of(value, [](char c) { return c > ' ' && c <= '~'; });
  if (value.size() > kSerialBytes || !printable) {
    refuse_value(property, value, fmt::format("at most {} printable characters", kSerialBytes));
  }
  return std::string(value);
}

constexpr std::array<std::string_view, 6> kBuses{"root", "bridge0", "port0", "port1", "port2", "port3"};

std::string parse_bus(const Property& property, std::string_view value) {
  if (std::ranges::find(kBuses, value) == kBuses.end()) {
    refuse_value(property, value, fmt::format("one of {}", fmt::join(kBuses, ", ")));
  }
  return std::string(value);
}

// `DD.F` in hexadecimal, as QEMU takes it and lspci prints it; without a dot, function 0.
void parse_address(const Property& property, std::string_view value, PciPlace& place) {
  constexpr unsigned kMostDevice = 31;
  constexpr unsigned kMostFunction = 7;
  const std::size_t dot = value.find('.');
  const std::string_view digits = value.substr(0, dot);
  const std::string_view function = dot == std::string_view::npos ? "0" : value.substr(dot + 1);
  unsigned device = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), device, 16);
  const bool whole = error == std::errc{} && end == digits.data() + digits.size();
  const bool function_fits =
      function.size() == 1 && function[0] >= '0' && static_cast<unsigned>(function[0] - '0') <= kMostFunction;
  if (!whole || device > kMostDevice || !function_fits) {
    refuse_value(property, value, "DEVICE.FUNCTION in hexadecimal, 0.0 to 1f.7");
  }
  place.device = static_cast<std::uint8_t>(device);
  place.function = static_cast<std::uint8_t>(function[0] - '0');
}

void set_special(const Property& property, Special special, std::string_view value, PciPlace& place) {
  switch (special) {
    case Special::bus:
      place.bus = parse_bus(property, value);
      return;
    case Special::address:
      parse_address(property, value, place);
      return;
    case Special::multifunction:
      place.multifunction = parse_switch(property, value);
      return;
  }
}

template <class... Cases>
struct Match : Cases... {
  using Cases::operator()...;
};

void set(const Property& property, std::string_view value, BlkProperties& properties) {
  std::visit(Match{[&](bool BlkProperties::*field) { properties.*field = parse_switch(property, value); },
                   [&](OnOffAuto BlkProperties::*field) { properties.*field = parse_on_off_auto(property, value); },
                   [&](std::uint16_t BlkProperties::*field) {
                     properties.*field = static_cast<std::uint16_t>(parse_number(property, value));
                   },
                   [&](std::uint32_t BlkProperties::*field) {
                     properties.*field = static_cast<std::uint32_t>(parse_number(property, value));
                   },
                   [&](std::string BlkProperties::*field) { properties.*field = parse_serial(property, value); },
                   [&](Special special) { set_special(property, special, value, properties.place); }},
             property.field);
}

bool is_number(const Property& property) {
  return std::holds_alternative<std::uint16_t BlkProperties::*>(property.field) ||
         std::holds_alternative<std::uint32_t BlkProperties::*>(property.field);
}

// The names that are the bench's own are taken with either dash: nobody knows them by heart.
bool same_name(const Property& property, std::string_view name) {
  const bool ours = property.origin == PropertyOrigin::bench || property.origin == PropertyOrigin::drive;
  const auto alike = [&](char a, char b) { return a == b || (ours && (a == '-' ? '_' : a) == (b == '-' ? '_' : b)); };
  return std::ranges::equal(property.name, name, alike);
}

const Property& find_property(std::string_view name) {
  const auto* const found = std::ranges::find_if(kProperties, [&](const Property& p) { return same_name(p, name); });
  if (found == kProperties.end()) {
    std::vector<std::string> names;
    std::ranges::transform(kProperties, std::back_inserter(names),
                           [](const Property& p) { return std::string(p.name); });
    throw InputError(
        fmt::format("--device: unknown property \"{}\"{}; `ringside list` shows them", name, suggestion(name, names)));
  }
  return *found;
}

bool is_driver(std::string_view word) { return word == "virtio-blk-pci" || word == "ide"; }

void require(bool holds, const std::string& complaint) {
  if (!holds) {
    throw InputError("--device: " + complaint);
  }
}

std::string values_text(const Property& property) {
  return std::visit(Match{[](bool BlkProperties::*) { return std::string("on|off"); },
                          [](OnOffAuto BlkProperties::*) { return std::string("on|off|auto"); },
                          [](std::string BlkProperties::*) { return std::string("text"); },
                          [](Special special) {
                            return special == Special::bus             ? fmt::format("{}", fmt::join(kBuses, "|"))
                                   : special == Special::multifunction ? std::string("on|off")
                                                                       : std::string("DD.F");
                          },
                          [&](auto) { return fmt::format("{} to {}", property.least, property.most); }},
                    property.field);
}

}  // namespace

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> pieces(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ',') {
      pieces.back() += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == ',') {
      pieces.back() += text[++i];
    } else {
      pieces.emplace_back();
    }
  }
  return pieces;
}

std::string with_commas_doubled(std::string_view text) {
  std::string result;
  for (const char c : text) {
    result.append(c == ',' ? 2u : 1u, c);
  }
  return result;
}

DeviceProperties DeviceProperties::parse(const std::string& text) {
  DeviceProperties device;
  if (text.empty()) {  // a disk as it comes
    return device;
  }
  BlkProperties scratch;
  bool first = true;
  for (const std::string& piece : split_at_commas(text)) {
    const std::size_t equals = piece.find('=');
    if (first && is_driver(piece)) {
      device.ide_ = piece == "ide";
      first = false;
      continue;
    }
    first = false;
    if (equals == 0 || equals == std::string::npos) {
      throw InputError(fmt::format("--device {}: \"{}\" is no property; expected NAME=VALUE,...", text, piece));
    }
    const Property& property = find_property(std::string_view(piece).substr(0, equals));
    const std::string value = piece.substr(equals + 1);
    set(property, value, scratch);
    const std::string plain = is_number(property) ? fmt::format("{}", parse_number(property, value)) : value;
    if (!device.values_.emplace(property.name, plain).second) {
      throw InputError(fmt::format("--device {}: {} is given twice; expected once", text, property.name));
    }
  }
  return device;
}

void DeviceProperties::override_with(const DeviceProperties& more) {
  ide_ = ide_ || more.ide_;
  for (const auto& [name, value] : more.values_) {
    values_[name] = value;
  }
}

void DeviceProperties::apply_to(BlkProperties& properties) const {
  for (const auto& [name, value] : values_) {
    set(find_property(name), value, properties);
  }
}

void check_combination(const BlkProperties& properties) {
  const auto& p = properties;
  const bool on_port = p.place.bus.starts_with("port");
  const bool legacy = p.disable_legacy == OnOffAuto::off || (p.disable_legacy == OnOffAuto::automatic && !on_port);
  const auto is_multiple = [&](std::uint32_t bytes) { return bytes % p.logical_block_size == 0; };
  require(legacy || !p.disable_modern, "neither a legacy interface nor a modern one is left; expected one of them");
  require(!legacy || !p.iommu_platform, "iommu_platform=on needs disable-legacy=on");
  require(std::has_single_bit(p.queue_size), fmt::format("queue-size={}; expected a power of two", p.queue_size));
  require(std::has_single_bit(p.logical_block_size) && std::has_single_bit(p.physical_block_size),
          "expected block sizes that are powers of two");
  require(p.physical_block_size >= p.logical_block_size,
          fmt::format("physical_block_size={} is less than logical_block_size={}", p.physical_block_size,
                      p.logical_block_size));
  require(is_multiple(p.min_io_size) && is_multiple(p.opt_io_size) &&
              (p.discard_granularity == kMost32 || is_multiple(p.discard_granularity)),
          "expected I/O sizes and discard granularity that are multiples of logical_block_size");
}

std::vector<PropertySummary> all_properties() {
  std::vector<PropertySummary> summaries;
  std::ranges::transform(kProperties, std::back_inserter(summaries), [](const Property& property) {
    return PropertySummary{property.name, property.meaning, values_text(property), property.origin};
  });
  return summaries;
}

PropertyOrigin origin_of(std::string_view property) { return find_property(property).origin; }

}  // namespace ringside::targets
