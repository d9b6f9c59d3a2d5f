// Whether this machine has KVM, as far as can be said without running anything.
#pragma once

namespace ringside::targets {

// Throws LackingError, which says what to do.
void require_kvm();

}  // namespace ringside::targets
