// Differences that somebody has decided to accept, for a reason and for a time. The file is traces/waivers.toml, which
// explains its format.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "testbench/trace/file_error.h"

namespace ringside::trace {

struct Waiver {
  std::string clause;      // of VIRTIO, or
  std::string reason;      // why the difference is accepted
  std::string scenario;    // glob
  std::string kind;        // of the event, as in record.h; empty: any
  std::string subject;     // glob over the register or request type; empty: any
  std::string field;       // empty: any
  std::string decided_by;  // a role, not a person
  std::chrono::year_month_day expires;
  std::vector<std::string> versions;  // of QEMU: "7.2" is any 7.2.x; empty: any
  std::string file;
  std::uint64_t line = 0;  // in it
  std::uint64_t hits = 0;
};

// A difference, as waivers see it.
struct Difference {
  std::string clause;
  std::string kind;
  std::string subject;  // "common.queue_size", "COMMAND", "IN"
  std::string field;
};

class Waivers {
 public:
  // How long an expired waiver still holds, with a warning.
  static constexpr std::chrono::days kGrace{14};

  Waivers() = default;
  // Of a file, or of every *.toml in a directory, by name. Throw FileError: one line with file, line, and what was
  // expected there.
  [[nodiscard]] static Waivers load(const std::string& path, std::chrono::year_month_day today);
  [[nodiscard]] static Waivers parse(const std::string& text, const std::string& name,
                                     std::chrono::year_month_day today);

  // The first that covers the difference, counted as a hit; null when none does. One that expired longer ago than the
  // grace covers nothing.
  const Waiver* match(const Difference& difference, const std::string& scenario,
                      const std::vector<std::string>& identities);

  [[nodiscard]] const std::vector<Waiver>& all() const { return waivers_; }

  // Hits that another process counted, in the order of all().
  [[nodiscard]] std::vector<std::uint64_t> hits() const;
  void add_hits(const std::vector<std::uint64_t>& hits);

  // One line each. In a complete run (every scenario, unsharded) a waiver that nothing hit is a failure, if it is for
  // one of the versions that took part.
  struct Findings {
    std::vector<std::string> warnings;
    std::vector<std::string> failures;
  };
  [[nodiscard]] Findings review(bool complete_run, const std::vector<std::string>& identities = {}) const;

  // Of one waiver, today.
  enum class Standing : std::uint8_t { valid, expiring, expired };
  [[nodiscard]] Standing standing(const Waiver& waiver) const;

 private:
  [[nodiscard]] static bool applies_to(const Waiver& waiver, const std::vector<std::string>& identities);
  [[nodiscard]] std::chrono::days overdue(const Waiver& waiver) const;

  std::chrono::year_month_day today_{};
  std::vector<Waiver> waivers_;
};

// "2027-06-30"
[[nodiscard]] std::string date_text(std::chrono::year_month_day date);

// The date of today, in UTC.
[[nodiscard]] std::chrono::year_month_day today();

}  // namespace ringside::trace
