// A debugger on a guest: how it comes to the guest's gdbstub, and what becomes of the run when it has left.
#pragma once

#include <optional>

#include "testbench/targets/descriptor.h"
#include "testbench/targets/gdb_relay.h"
#include "testbench/targets/target.h"

namespace ringside::targets {

class GuestDebugger {
 public:
  // Throws std::system_error.
  explicit GuestDebugger(RemoteDebugger& debugger);

  // The gdbstub's end, for QEMU to inherit.
  [[nodiscard]] int stub() const { return stub_.get(); }
  // QEMU has been started.
  void attach();
  // The guest has done its work, and QEMU is needed no longer.
  void say_finished(bool held) { relay_->say_exited(held ? 0 : 1); }
  // Throws RunAborted with kDebuggerLeft.
  void require_presence();
  // The end of QEMU may be the debugger's doing, which then ends a moment later: throws as above if it does.
  void require_presence_soon();
  [[nodiscard]] bool has_left() { return debugger_.ended(); }

 private:
  RemoteDebugger& debugger_;
  Descriptor image_;
  Descriptor stub_;
  std::optional<GdbRelay> relay_;
};

}  // namespace ringside::targets
