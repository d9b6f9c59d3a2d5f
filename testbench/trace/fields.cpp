#include "testbench/trace/fields.h"

#include <fmt/core.h>

#include "testbench/trace/names.h"

namespace ringside::trace {
namespace {

std::uint64_t unit(const Record& r) { return r.unit; }
std::uint64_t width(const Record& r) { return r.width; }
std::uint64_t queue(const Record& r) { return r.queue; }
std::uint64_t flags(const Record& r) { return r.flags; }
std::uint64_t region(const Record& r) { return r.region; }
std::uint64_t ordinal(const Record& r) { return r.ordinal; }
std::uint64_t offset(const Record& r) { return r.offset; }
std::uint64_t value(const Record& r) { return r.value; }
std::uint64_t length(const Record& r) { return r.length; }
std::uint64_t hash(const Record& r) { return r.hash; }
std::uint64_t aux(const Record& r) { return r.aux; }
std::uint64_t writable_bytes(const Record& r) { return r.aux >> 17; }

constexpr bool kIdentity = true;

constexpr Field kConfig[] = {{"function", region, Style::hex, kIdentity},
                             {"register", offset, Style::hex, kIdentity},
                             {"width", width, Style::decimal, kIdentity},
                             {"value", value}};
constexpr Field kPlain[] = {{"region", region, Style::hex, kIdentity},
                            {"offset", offset, Style::hex, kIdentity},
                            {"width", width, Style::decimal, kIdentity},
                            {"value", value}};
constexpr Field kRegister[] = {
    {"unit", unit, Style::decimal, kIdentity},   {"structure", region, Style::decimal, kIdentity},
    {"register", offset, Style::hex, kIdentity}, {"width", width, Style::decimal, kIdentity},
    {"queue", queue, Style::decimal, kIdentity}, {"value", value}};
constexpr Field kQueueEnabled[] = {
    {"unit", unit, Style::decimal, kIdentity}, {"queue", queue, Style::decimal, kIdentity},
    {"size", value, Style::decimal},           {"descriptors", offset, Style::address},
    {"avail", length, Style::address},         {"used", aux, Style::address}};
constexpr Field kQueueDisabled[] = {{"unit", unit, Style::decimal, kIdentity},
                                    {"queue", queue, Style::decimal, kIdentity}};
constexpr Field kDeviceStatus[] = {{"unit", unit, Style::decimal, kIdentity},
                                   {"read back", flags, Style::decimal, kIdentity},
                                   {"status", value, Style::status}};
constexpr Field kFeatures[] = {
    {"unit", unit, Style::decimal, kIdentity}, {"accepted", flags, Style::decimal, kIdentity}, {"features", value}};
constexpr Field kMsixVector[] = {{"unit", unit, Style::decimal, kIdentity},
                                 {"entry", offset, Style::decimal, kIdentity},
                                 {"vector", value, Style::vector},
                                 {"control", aux}};
constexpr Field kNamed[] = {{"name", hash, Style::hash, kIdentity}, {"value", value, Style::decimal}};
constexpr Field kAsk[] = {{"what", offset, Style::decimal, kIdentity},
                          {"argument", length, Style::decimal, kIdentity},
                          {"answer", value, Style::decimal}};
constexpr Field kDiskHash[] = {
    {"disk", ordinal, Style::decimal, kIdentity}, {"bytes", length, Style::decimal}, {"contents", hash, Style::hash}};
constexpr Field kVerdict[] = {{"held", value, Style::decimal}};
constexpr Field kWaitTimeout[] = {{"vector", offset, Style::vector, kIdentity}};
constexpr Field kRequest[] = {{"ordinal", ordinal, Style::decimal, kIdentity},
                              {"type", flags, Style::request_type},
                              {"sector", offset, Style::decimal},
                              {"length", length, Style::decimal},
                              {"payload", hash, Style::hash},
                              {"writable bytes", writable_bytes, Style::decimal}};
constexpr Field kCompletion[] = {{"ordinal", ordinal, Style::decimal, kIdentity},
                                 {"type", flags, Style::request_type},
                                 {"status", value, Style::request_status},
                                 {"payload", hash, Style::hash}};

constexpr Field kInnerDevice[] = {
    {"unit", unit, Style::decimal, kIdentity}, {"status", value, Style::status}, {"features", aux}};
constexpr Field kInnerQueue[] = {{"unit", unit, Style::decimal, kIdentity}, {"queue", queue, Style::decimal, kIdentity},
                                 {"size", value, Style::decimal},           {"next to fetch", offset, Style::decimal},
                                 {"next to use", length, Style::decimal},   {"in flight", ordinal, Style::decimal},
                                 {"addresses", hash, Style::hash}};

}  // namespace

std::span<const Field> exact_fields(Kind kind) {
  switch (kind) {
    case Kind::config_read:
    case Kind::config_write:
      return kConfig;
    case Kind::port_read:
    case Kind::port_write:
    case Kind::mmio_read:
    case Kind::mmio_write:
      return kPlain;
    case Kind::register_read:
    case Kind::register_write:
      return kRegister;
    case Kind::queue_enabled:
      return kQueueEnabled;
    case Kind::queue_disabled:
      return kQueueDisabled;
    case Kind::device_status:
      return kDeviceStatus;
    case Kind::features:
      return kFeatures;
    case Kind::msix_vector:
      return kMsixVector;
    case Kind::check:
    case Kind::observe:
      return kNamed;
    case Kind::ask:
      return kAsk;
    case Kind::disk_hash:
      return kDiskHash;
    case Kind::verdict:
      return kVerdict;
    case Kind::wait_timeout:
      return kWaitTimeout;
    case Kind::request:
      return kRequest;
    case Kind::completion:
      return kCompletion;
    case Kind::dev_state:
      return kInnerDevice;
    case Kind::dev_queue_state:
      return kInnerQueue;
    default:
      return {};
  }
}

std::string format_field(const Field& field, std::uint64_t value) {
  switch (field.style) {
    case Style::decimal:
      return fmt::format("{}", value);
    case Style::hex:
      return fmt::format("{:#x}", value);
    case Style::hash:
      return fmt::format("{:016x}", value);
    case Style::status:
      return status_name(value);
    case Style::request_status:
      return request_status_name(value);
    case Style::request_type:
      return request_type_name(static_cast<std::uint16_t>(value));
    case Style::address:
      return packed_address_name(value);
    case Style::vector:
      return vector_name(value);
  }
  return {};
}

}  // namespace ringside::trace
