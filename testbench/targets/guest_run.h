// One run of a guest: a QEMU whose CPU executes the image, and the bench's service of it, which is to take out its
// events, to answer what it asks, and to see when it is done, has crashed or hangs.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>

#include "testbench/targets/disk_image.h"
#include "testbench/targets/guest_bell.h"
#include "testbench/targets/guest_debugger.h"
#include "testbench/targets/guest_events.h"
#include "testbench/targets/guest_log.h"
#include "testbench/targets/guest_mailbox.h"
#include "testbench/targets/guest_order.h"
#include "testbench/targets/machine_plan.h"
#include "testbench/targets/qemu_ram.h"
#include "testbench/targets/qemu_session.h"
#include "testbench/targets/run_clock.h"

namespace ringside::targets {

class GuestRun {
 public:
  // Powers on. `disks`, one for each of the plan's, outlive the run, and are none at all for a benchmark; `limit` is
  // RunClock's. Throws RunAborted.
  GuestRun(const std::string& binary, const MachinePlan& plan, std::span<const DiskImage> disks,
           const GuestOrder& order, std::optional<std::chrono::seconds> limit);

  // Until the guest has done its work. Throws RunAborted when it does not: where it was, and its last events.
  void serve(GuestLog& log);

  [[nodiscard]] const GuestMailbox& mailbox() const { return mailbox_; }
  [[nodiscard]] QemuSession& session() { return *session_; }

 private:
  class NoLines final : public LineListener {
   public:
    void line_changed(unsigned, bool) override {}
  };

  void start(const std::string& binary, const GuestOrder& order);
  [[nodiscard]] guest::State serve_until_end(GuestLog& log);
  void answer_question();
  void look_at_cpu();
  void look_whether_started() const;
  void hold_for_debugger();
  [[nodiscard]] std::optional<guest::Registers> stop_and_read_registers();
  [[nodiscard]] std::string report(const std::string& what, const std::optional<guest::Registers>& registers,
                                   const GuestLog& log);

  MachinePlan plan_;
  std::span<const DiskImage> disks_;
  std::string accelerator_;
  RunClock clock_;
  RunClock monitor_clock_;  // goes on after the run's, for the registers of a guest that hangs
  NoLines lines_;
  QemuRam ram_;
  GuestMailbox mailbox_;
  GuestEvents events_;
  std::optional<GuestBell> bell_;
  std::optional<GuestDebugger> debugger_;
  std::optional<QemuSession> session_;
  std::chrono::steady_clock::time_point power_on_;
  std::chrono::steady_clock::time_point last_look_;
};

}  // namespace ringside::targets
