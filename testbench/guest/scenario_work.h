// Runs the scenario that the mailbox names, with the tap or without it.
#pragma once

#include "testbench/guest/machine.h"
#include "testbench/guest/mailbox.h"

namespace ringside::guest {

// Panics when there is no such scenario.
void run_scenario(GuestMachine& machine, Mailbox& box);

}  // namespace ringside::guest
