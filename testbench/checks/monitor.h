// A monitor watches the event stream of one run, on any target, for requirements of VIRTIO that one side breaks. Most
// see what crosses the driver's side of the interface and nothing else, so the same monitor serves every world; the few
// that need the device's side ask for its records.
//
// Some scenarios misbehave on purpose (they send what a device has to refuse), and a fault plan makes devices misbehave
// on purpose; so a violation says who broke the rule, and the caller decides what that means for the run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "testbench/checks/facts.h"
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

  // The record that is being taken: what is added belongs to it.
  void look_at(std::size_t index, std::uint64_t time) {
    index_ = index;
    time_ = time;
  }
  void add(const Clause& clause, std::string text);
  // In the order of the records.
  [[nodiscard]] std::vector<Violation> take();

 private:
  std::vector<Violation> violations_;
  std::map<std::string, std::vector<std::size_t>> by_clause_;
  std::size_t index_ = 0;
  std::uint64_t time_ = 0;
  friend class Monitor;
};

// Where a log was made: beside the driver; or from outside, of a driver in another process (`serve`). From there its
// registers are seen as it uses them, its rings when the device looks there, and its own loads, waits and interrupts
// not at all.
enum class View : std::uint8_t { beside, outside };

// What every monitor works with.
struct Tools {
  Findings& findings;
  const Facts& facts;
  View view = View::beside;
};

class Monitor {
 public:
  explicit Monitor(const Tools& tools) : findings_(tools.findings), facts_(tools.facts), view_(tools.view) {}
  Monitor(const Monitor&) = delete;
  Monitor& operator=(const Monitor&) = delete;
  virtual ~Monitor() = default;

  [[nodiscard]] virtual const char* name() const = 0;
  [[nodiscard]] virtual std::span<const Clause> clauses() const = 0;
  // What it is given; a record of another kind costs it nothing. Kinds from dev_config on are the device's side: QEMU
  // has none, so a monitor that asks for them is silent there.
  [[nodiscard]] virtual std::span<const trace::Kind> kinds() const = 0;
  // Whether a log that was made there tells it enough. One that only has less to say is no reason for false.
  [[nodiscard]] virtual bool judges(View) const { return true; }

  // Records in order, from power-on.
  virtual void take(const trace::Record& record) = 0;
  // After the last one.
  virtual void finish() {}

 protected:
  // At the record that is being taken.
  void violated(const Clause& clause, std::string text) { findings_.add(clause, std::move(text)); }
  [[nodiscard]] std::size_t index() const { return findings_.index_; }
  [[nodiscard]] const Facts& facts() const { return facts_; }
  [[nodiscard]] View view() const { return view_; }

 private:
  Findings& findings_;
  const Facts& facts_;
  View view_;
};

}  // namespace ringside::checks
