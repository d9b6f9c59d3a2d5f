// What a log says in words.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "testbench/trace/record.h"
#include "testbench/trace/text.h"

namespace ringside::cli {

// Takes the records as they come, and keeps the first few thousand of each.
class LogText final : public trace::Sink {
 public:
  void append(const trace::Record& record) override;

  // The lines that the driver logged.
  [[nodiscard]] std::vector<std::string> driver_lines() const { return lines_.all("more lines"); }
  // The names of the checks that did not hold.
  [[nodiscard]] std::vector<std::string> failed_checks() const { return checks_.all("more checks"); }

 private:
  struct Texts {
    std::vector<std::string> kept;
    std::uint64_t left_out = 0;

    void add(const std::string& text);
    // What was left out is a line too.
    [[nodiscard]] std::vector<std::string> all(const char* what) const;
  };

  trace::TextJoiner joiner_;
  Texts* of_ = nullptr;  // to which the next text belongs
  Texts lines_;
  Texts checks_;
};

}  // namespace ringside::cli
