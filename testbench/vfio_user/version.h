// The first message of a session: which version, and within which limits.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "testbench/vfio_user/message.h"

namespace ringside::vfio_user {

// The server's answer to what a client proposes; nothing when it proposes what is no version of this protocol.
[[nodiscard]] std::optional<Bytes> answer_version(std::span<const std::uint8_t> proposal);

// What a client proposes.
[[nodiscard]] Bytes propose_version();
// Of the server's answer: the most bytes that one access to a region may have. Nothing when it is no answer to that.
[[nodiscard]] std::optional<std::uint32_t> agreed_transfer(std::span<const std::uint8_t> answer);

}  // namespace ringside::vfio_user
