// How a run ended: what the driver made of the faults, or what went wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace ringside::campaign {

enum class Outcome : std::uint8_t {
  // --- As it should be
  not_fired,   // no fault of the plan came to happen
  unnoticed,   // nothing was the matter with it
  counted,     // the driver's counters tell of it, and that is all
  error,       // some requests ended with an error
  replayed,    // reset, and what was in flight was sent again
  reset,       // reset and went on, with requests that failed or with none
  refused,     // the device was not brought up while the faults lasted
  given_up,    // the device was given up, and brought up anew when the faults were over
  removed,     // it is gone for good, and the driver has let go of it
  power_lost,  // and with it the run; what such a disk may hold is for tests of power cuts
  misled,      // wrong, as no driver could tell: which faults may do so, explained.h says
  // --- Failures
  hung,         // a request did not end
  late,         // it ended long after its deadline
  corrupted,    // a read found what nobody had written
  crashed,      // the process died
  spun,         // real time went by and nothing happened
  leak,         // DMA buffers or mappings were not given back
  stray_write,  // memory was written that was not the device's to write
  monitor,      // the driver broke the specification
  calm_failed,  // the faults were over, and not everything worked
  unaccounted,  // a fault that the driver must see left no trace in its counters
  broken,       // the run itself could not be: a program that makes no sense, an error of the target
};
inline constexpr unsigned kOutcomes = 22;

[[nodiscard]] std::string_view to_string(Outcome outcome);
[[nodiscard]] std::optional<Outcome> outcome_named(std::string_view name);
[[nodiscard]] constexpr bool is_failure(Outcome outcome) { return outcome >= Outcome::hung; }

}  // namespace ringside::campaign
