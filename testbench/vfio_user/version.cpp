#include "testbench/vfio_user/version.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

namespace ringside::vfio_user {
namespace {

using nlohmann::json;

constexpr char kCapabilities[] = "capabilities";
constexpr char kTransfer[] = "max_data_xfer_size";
constexpr char kDescriptors[] = "max_msg_fds";
constexpr std::size_t kMostJsonBytes = 16u << 10;

// The capabilities in it, an empty object where there are none; discarded when it is no such document.
json capabilities_in(std::span<const std::uint8_t> payload) {
  const auto data = payload.subspan(sizeof(Version));
  if (data.empty()) {
    return json::object();
  }
  if (data.back() != 0 || data.size() > kMostJsonBytes) {
    return json(json::value_t::discarded);
  }
  const std::string_view text(reinterpret_cast<const char*>(data.data()), data.size() - 1);
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) {
    return json(json::value_t::discarded);
  }
  const json capabilities = document.value(kCapabilities, json::object());
  return capabilities.is_object() ? capabilities : json(json::value_t::discarded);
}

Bytes version_with(std::uint16_t minor, const json& capabilities) {
  const std::string text = json{{kCapabilities, capabilities}}.dump();
  const auto* const data = reinterpret_cast<const std::uint8_t*>(text.c_str());
  return payload_of(Version{kMajor, minor}, std::span(data, text.size() + 1));
}

}  // namespace

// The answer may hold nothing that was not proposed; what this side needs not be told, it does not repeat.
std::optional<Bytes> answer_version(std::span<const std::uint8_t> proposal) {
  const auto version = payload_as<Version>(proposal);
  if (!version || version->major != kMajor) {
    return std::nullopt;
  }
  const json proposed = capabilities_in(proposal);
  if (proposed.is_discarded()) {
    return std::nullopt;
  }
  json accepted = json::object();
  if (proposed.contains(kDescriptors)) {
    accepted[kDescriptors] = kMostDescriptors;
  }
  if (proposed.contains(kTransfer)) {
    accepted[kTransfer] = kMostTransfer;
  }
  return version_with(std::min(version->minor, kMinor), accepted);
}

Bytes propose_version() { return version_with(kMinor, {{kDescriptors, kMostDescriptors}, {kTransfer, kMostTransfer}}); }

std::optional<std::uint32_t> agreed_transfer(std::span<const std::uint8_t> answer) {
  const auto version = payload_as<Version>(answer);
  if (!version || version->major != kMajor) {
    return std::nullopt;
  }
  const json capabilities = capabilities_in(answer);
  if (capabilities.is_discarded()) {
    return std::nullopt;
  }
  const auto limit = capabilities.find(kTransfer);
  if (limit == capabilities.end()) {
    return kMostTransfer;
  }
  if (!limit->is_number_unsigned() || *limit == 0u) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(limit->get<std::uint64_t>(), kMostTransfer));
}

}  // namespace ringside::vfio_user
