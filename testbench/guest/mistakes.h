// Deliberate mistakes, so that what is said of a crash can be tried out and tested.
#pragma once

#include "testbench/guest/mailbox.h"

namespace ringside::guest {

// Does not return from a mistake that ends a run.
void make_mistake(Mistake mistake);

}  // namespace ringside::guest
