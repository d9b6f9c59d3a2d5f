// What a guest is told to do, and how its QEMU is started for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "testbench/guest/mailbox.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/target.h"

namespace ringside::targets {

enum class GuestStart : std::uint8_t {
  rom,     // our own, at the reset vector: nothing else has run
  kernel,  // QEMU's firmware runs first, and loads it
};

struct GuestOrder {
  std::string accelerator = "tcg";
  GuestStart start = GuestStart::rom;
  guest::Work work = guest::Work::scenario;
  std::string scenario;
  scenarios::Steps steps;  // of a program; at most kMostSteps
  std::uint64_t seed = 1;
  Tracing tracing = Tracing::events;
  guest::Mistake mistake = guest::Mistake::none;
  guest::BenchOrder bench{};
  std::optional<Debugging> debugging;
};

// The mistake of that name, "wild-pointer". Throws InputError, which names them all.
[[nodiscard]] guest::Mistake guest_mistake(std::string_view name);
// For people: "wild-pointer, endless-loop, ...".
[[nodiscard]] std::string guest_mistake_names();

}  // namespace ringside::targets
