#include "testbench/trace/slice_rows.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace ringside::trace {
namespace {

constexpr std::size_t kPlaces = 1024;  // rows beyond them share the last place

}  // namespace

SliceRows::SliceRows(TraceEvents& events, std::uint32_t process, std::string name, std::uint32_t place)
    : events_(events), process_(process), name_(std::move(name)), place_(place) {}

void SliceRows::begin(std::uint64_t time, std::uint64_t key, std::string_view name, const EventArguments& arguments) {
  const std::size_t row = take_row();
  open_.emplace(key, row);
  events_.begin(rows_[row], time, name, arguments);
}

bool SliceRows::end(std::uint64_t time, std::uint64_t key, const EventArguments& arguments) {
  const auto slice = open_.find(key);
  if (slice == open_.end()) {
    return false;
  }
  events_.end(rows_[slice->second], time, arguments);
  free_.insert(slice->second);
  open_.erase(slice);
  return true;
}

void SliceRows::end_all(std::uint64_t time, const EventArguments& arguments) {
  while (!open_.empty()) {
    end(time, open_.begin()->first, arguments);
  }
}

std::size_t SliceRows::take_row() {
  if (!free_.empty()) {
    return free_.extract(free_.begin()).value();
  }
  const std::size_t row = rows_.size();
  const auto place = static_cast<std::uint32_t>(place_ * kPlaces + std::min(row, kPlaces - 1));
  rows_.push_back(events_.new_track(process_, row == 0 ? name_ : fmt::format("{} ({})", name_, row + 1), place));
  return row;
}

}  // namespace ringside::trace
