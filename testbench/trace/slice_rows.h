// Slices that overlap, on as many tracks as that takes: each goes on the first one that is free.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "testbench/trace/trace_events.h"

namespace ringside::trace {

class SliceRows {
 public:
  // `place` is that of the rows among those of the process.
  SliceRows(TraceEvents& events, std::uint32_t process, std::string name, std::uint32_t place);

  // A slice that goes by this key must not be open.
  void begin(std::uint64_t time, std::uint64_t key, std::string_view name, const EventArguments& arguments);
  // False when no such slice is open.
  bool end(std::uint64_t time, std::uint64_t key, const EventArguments& arguments);
  void end_all(std::uint64_t time, const EventArguments& arguments);
  [[nodiscard]] std::size_t open() const { return open_.size(); }

 private:
  [[nodiscard]] std::size_t take_row();

  TraceEvents& events_;
  std::uint32_t process_;
  std::string name_;
  std::uint32_t place_;
  std::vector<TraceEvents::Track> rows_;
  std::set<std::size_t> free_;
  std::map<std::uint64_t, std::size_t> open_;  // key -> row
};

}  // namespace ringside::trace
