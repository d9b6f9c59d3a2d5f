// Addresses for everything: BARs and bridge windows, where no firmware gave them any.
#pragma once

#include "driver/pci/bus.h"

namespace ringside::pci {

// Wakes every function, sizes its BARs, and gives those without an address one, out of the machine's windows or the
// windows of the bridge before it; closed bridge windows are opened as far as needed. What has an address keeps it and
// is avoided, so that it can be done again when a function has come or has forgotten itself, while others are in use.
// A function that does not decode its addresses is in nobody's use: where they do not fit the others it gets new ones.
//
// Fills in DeviceInfo's bars and windows, and `problem` of a function that cannot be used: no space for it, or
// addresses that overlap another function's on the same bus or that its bridge does not pass on.
void assign_resources(Bus& bus);

}  // namespace ringside::pci
