// What is known beforehand of faults, beside what faults/action.cpp says of each: which end the device, which must be
// seen, and why some never happen in some state.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "testbench/campaign/driver_state.h"
#include "testbench/faults/plan.h"

namespace ringside::campaign {

// The device is gone afterwards, and nothing brings it back.
[[nodiscard]] bool is_for_good(faults::Action action);
// Data is wrong, or a request is taken for done, in a way that no driver can tell from a correct device.
[[nodiscard]] bool deceives(const faults::Fault& fault);
// The same, of a device that has promised to use buffers in order (VIRTIO_F_IN_ORDER): one that overtakes stands for
// others that are not done.
[[nodiscard]] bool overtakes(faults::Action action);
// A read brings less than its data, and nothing but the used length tells.
[[nodiscard]] bool cuts_short(faults::Action action);
[[nodiscard]] bool writes_astray(faults::Action action);
// What says so of a device whose reset cannot be seen to end, or that looks gone.
[[nodiscard]] bool hides_reset(faults::Action action);
// The device has lost what it was told, and says nothing.
[[nodiscard]] bool resets_itself(faults::Action action);
// What has been begun by it comes to its end after the faults are over, too.
[[nodiscard]] bool lingers(faults::Action action);
// A driver that was in this state when it happened has counted it, or failed a request, or did not come up.
[[nodiscard]] bool must_be_noticed(const faults::Fault& fault, DriverState when);
// A request may miss its deadline by it: it, or what tells of its end, may be lost or late.
[[nodiscard]] bool delays(faults::Action action);

// Nothing comes after it.
[[nodiscard]] bool ends_run(faults::Action action);
// By it a request may be done for the driver and not for the device: it is named a second time, or an old element is
// taken for a new one. What it had is used again then, and no driver could know better.
[[nodiscard]] bool ends_another(faults::Action action);

// --- On a weak memory, where what the driver has stored is seen later.
// What a doorbell says of the ring is old when it arrives behind the next request.
[[nodiscard]] bool judges_arrival(std::string_view clause);
// What the driver makes available is looked at when it becomes visible; what a device has no business to write, or
// writes of a request that is not the driver's any more, may lie over it by then.
[[nodiscard]] bool judges_descriptors(std::string_view clause);
[[nodiscard]] bool writes_over_descriptors(faults::Action action);

// What a monitor goes by is not what the driver did: it did as the device showed it, or the device wrote over it.
[[nodiscard]] bool confuses(faults::Action action, std::string_view clause);

// The names of the driver's counters, as the workload observes them, that a correct device never moves.
[[nodiscard]] std::span<const char* const> telling_counters();

// Why a fault never fires in a state; empty when there is no reason to be given.
[[nodiscard]] std::string why_never(const faults::ActionSummary& action, DriverState state);

}  // namespace ringside::campaign
