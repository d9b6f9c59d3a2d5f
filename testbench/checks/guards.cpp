// Bytes outside of the buffers that a driver granted stay as they are. That a device may write only what it was given
// is nowhere said in one sentence; the clause is the nearest.
#include <fmt/core.h>

#include <array>

#include "testbench/checks/monitors.h"
#include "testbench/trace/names.h"

namespace ringside::checks {
namespace {

constexpr Clause kOnlyWritableBuffers{"desc-dev-01", Role::device};
constexpr std::array kClauses = {kOnlyWritableBuffers};
constexpr std::array kKinds = {trace::Kind::guard};

class Guards final : public Monitor {
 public:
  using Monitor::Monitor;
  const char* name() const override { return "guards"; }
  std::span<const Clause> clauses() const override { return kClauses; }
  std::span<const trace::Kind> kinds() const override { return kKinds; }

  void take(const trace::Record& record) override {
    if (record.kind == trace::Kind::guard) {
      violated(kOnlyWritableBuffers, trace::describe(record));
    }
  }
};

}  // namespace

std::unique_ptr<Monitor> make_guards(const Tools& tools) { return std::make_unique<Guards>(tools); }

}  // namespace ringside::checks
