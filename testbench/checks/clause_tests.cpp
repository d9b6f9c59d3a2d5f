#include <array>

#include "testbench/checks/coverage.h"

namespace ringside::checks {
namespace {

constexpr std::array kTests = std::to_array<TestedClause>({
    {"framing-dev-01", "ModelRing.RequestMayBeCutAnywhere"},
    {"pcicfgwin-dev-02", "ModelConfig.PciConfigWindowReachesTheStructures"},
    {"pcicfgwin-dev-03", "ModelConfig.PciConfigWindowReachesTheStructures"},
    {"pciisr-dev-03", "ModelInterrupt.IntxIsALevelThatTheIsrReadTakesDown"},
    {"blkop-dev-13", "PowerCut.WhatWasFlushedIsThereWhateverHappensToTheRest"},
    {"legpcilayout-drv-01", "DriverLegacyTransport.NeedsRegistersInBar0"},
    {"legpcilayout-drv-03", "DriverLegacyTransport.TheConfigurationMovesWithMsix"},
});

}  // namespace

std::span<const TestedClause> tested_clauses() { return kTests; }

}  // namespace ringside::checks
