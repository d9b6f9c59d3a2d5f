// A monitor watches the event stream of one run, on any target, for requirements of VIRTIO that one side breaks. It
// sees what crosses the driver's side of the interface and nothing else, so the same monitor serves every world.
//
// Some scenarios misbehave on purpose (they send what a device has to refuse), and a fault plan makes devices misbehave
// on purpose; so a violation says who broke the rule, and the caller decides what that means for the run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "testbench/trace/record.h"

namespace ringside::checks {

// Who has to keep a requirement, and so who broke it.
enum class Role : std::uint8_t { driver, device };
[[nodiscard]] const char* to_string(Role role);

// A requirement that a monitor watches: its id in the project's list of VIRTIO's requirements, or the section of
// VIRTIO 1.2 where it follows from the layout and no single requirement says it.
struct Clause {
  const char* id;
  Role role;
};

struct Violation {
  std::string clause;
  Role role = Role::driver;
  std::size_t index = 0;  // of the record that shows it
  std::uint64_t time = 0;
  std::string text;         // one sentence
  std::uint64_t count = 1;  // more than 1: the last that was kept of a clause stands for the rest too
};

// Collects violations. A run that goes wrong can break one rule a million times: of each clause the first few are kept
// and the rest counted.
class Findings {
 public:
  static constexpr std::size_t kKeptPerClause = 16;

  void add(Violation violation);
  // In the order of the records.
  [[nodiscard]] std::vector<Violation> take();

 private:
  std::vector<Violation> violations_;
  std::map<std::string, std::vector<std::size_t>> by_clause_;
};

class Monitor {
 public:
  explicit Monitor(Findings& findings) : findings_(findings) {}
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;
  virtual ~Monitor() = default;

  [[nodiscard]] virtual const char* name() const = 0;
  [[nodiscard]] virtual std::span<const Clause> clauses() const = 0;
  // The tap whose records it needs: QEMU has no device side, a served guest no driver side.
  [[nodiscard]] virtual trace::Tap needs() const { return trace::Tap::driver; }

  // Records in order, from power-on.
  void see(const trace::Record& record, std::size_t index);
  // After the last one.
  virtual void finish() {}

 protected:
  virtual void take(const trace::Record& record) = 0;
  // At the record that is being taken.
  void violated(const Clause& clause, std::string text);
  [[nodiscard]] std::size_t index() const { return index_; }

 private:
  Findings& findings_;
  std::size_t index_ = 0;
  std::uint64_t time_ = 0;
};

}  // namespace ringside::checks
