#include "testbench/checks/known_departures.h"

#include <array>

namespace ringside::checks {
namespace {

constexpr std::array kDepartures = std::to_array<Departure>({
    {"unoffered-features-accepted", "features-dev-03"},
    {"queue-select-limited", "pcicommon-dev-14"},
    {"queue-size-unchecked", "pcicommon-dev-15"},
    {"kick-before-driver-ok", "status-dev-01"},
    {"config-interrupt-sets-queue-isr", "pciisr-dev-05"},
    {"write-back-without-flush", "blkinit-dev-03"},
    {"range-checked-before-flags", "blkop-dev-05"},
    {"early-resize-keeps-generation", "pcicommon-dev-06"},
    {"late-features-shown", "pcicommon-dev-04"},
    {"reset-keeps-feature-registers", "pcicommon-dev-04"},
    {"legacy-breaks-silently", "status-dev-03"},
    {"available-index-unchecked", "2.7.8"},
    {"packed-id-of-first", "packeddesc-dev-03"},
    {"first-used-always-notifies", "usedsup-dev-06"},
});

}  // namespace

std::span<const Departure> known_departures() { return kDepartures; }

}  // namespace ringside::checks
