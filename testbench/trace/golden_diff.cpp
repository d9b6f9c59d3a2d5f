#include "testbench/trace/golden_diff.h"

#include <fmt/core.h>

#include <algorithm>
#include <iterator>

#include "testbench/trace/names.h"
#include "testbench/trace/text.h"

namespace ringside::trace {
namespace {

constexpr std::size_t kShownBefore = 3;
constexpr std::size_t kShownAfter = 6;
constexpr std::size_t kEventsShown = 6;

using Segments = std::vector<GoldenSegment>;

bool same_events(const GoldenSegment& one, const GoldenSegment& other) {
  return one.records == other.records && one.content == other.content;
}

bool same(const GoldenSegment& one, const GoldenSegment& other) {
  return same_events(one, other) && one.duration == other.duration && one.times == other.times &&
         one.marks == other.marks;
}

// The first segment for which `alike` does not hold; the number of segments when it holds for all.
template <class Alike>
std::size_t first_unlike(const Segments& golden, const Segments& run, Alike alike) {
  const auto [left, right] = std::mismatch(golden.begin(), golden.end(), run.begin(), run.end(), alike);
  return left == golden.end() && right == run.end() ? run.size() : static_cast<std::size_t>(left - golden.begin());
}

// Segments that have no equal on the other side: what a reviewer sees as changed lines, but for those that moved.
std::size_t count_changed(const Segments& golden, const Segments& run) {
  const auto key = [](const GoldenSegment& segment) {
    return fmt::format("{} {} {} {}", segment.records, segment.duration, segment.content, segment.times);
  };
  std::vector<std::string> known;
  std::ranges::transform(golden, std::back_inserter(known), key);
  std::ranges::sort(known);
  return static_cast<std::size_t>(std::ranges::count_if(
      run, [&](const GoldenSegment& segment) { return !std::ranges::binary_search(known, key(segment)); }));
}

std::uint64_t records_before(const Segments& segments, std::size_t index) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < std::min(index, segments.size()); ++i) {
    sum += segments[i].records;
  }
  return sum;
}

std::uint64_t time_at_end(const Segments& segments, std::size_t index) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < std::min(index + 1, segments.size()); ++i) {
    sum += segments[i].duration;
  }
  return sum;
}

// Lines of `some` that `others` has not.
std::vector<std::string> only_in(const std::vector<std::string>& some, const std::vector<std::string>& others) {
  std::vector<std::string> result;
  std::ranges::copy_if(some, std::back_inserter(result),
                       [&](const std::string& line) { return std::ranges::find(others, line) == others.end(); });
  return result;
}

// Which records of the run the marks point at.
void locate(const GoldenLog& golden, const GoldenLog& run, GoldenDifference& difference) {
  const std::uint64_t start = records_before(run.segments, difference.segment);
  difference.first = start;
  difference.last = start;
  difference.ended = difference.segment >= run.segments.size();
  if (difference.ended || difference.segment >= golden.segments.size()) {
    return;
  }
  const GoldenSegment& old_one = golden.segments[difference.segment];
  const GoldenSegment& new_one = run.segments[difference.segment];
  const auto [left, right] =
      std::mismatch(old_one.marks.begin(), old_one.marks.end(), new_one.marks.begin(), new_one.marks.end());
  const std::size_t step = records_per_mark(start);
  const auto mark = static_cast<std::uint64_t>(right - new_one.marks.begin());
  difference.first = start + mark * step;
  difference.last = difference.first + step - 1;
  difference.ended = difference.last >= run.records() && golden.records() > run.records();
}

std::string when(std::uint64_t nanoseconds) {
  return fmt::format("{}.{:03} us", nanoseconds / 1000, nanoseconds % 1000);
}

std::string change(std::uint64_t before, std::uint64_t after) {
  const double percent =
      before == 0 ? 0.0
                  : 100.0 * (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(before);
  return fmt::format("{} instead of {} ({:+.3f}%)", when(after), when(before), percent);
}

std::string event_at(const std::vector<Record>& log, std::size_t index) {
  std::string text = describe(log[index]);
  if (index + 1 < log.size() && log[index].kind != Kind::text && log[index + 1].kind == Kind::text) {
    text += " " + text_at(log, index + 1);
  }
  return text;
}

std::string place(const GoldenDifference& difference) {
  return difference.first == difference.last ? fmt::format("#{}", difference.first)
                                             : fmt::format("#{} to #{}", difference.first, difference.last);
}

void add_lines(std::string& text, const char* label, const std::vector<std::string>& lines) {
  for (std::size_t i = 0; i < std::min(lines.size(), kEventsShown); ++i) {
    text += fmt::format("  {:<9} {}\n", label, lines[i]);
  }
  if (lines.size() > kEventsShown) {
    text += fmt::format("  {:<9} and {} more\n", label, lines.size() - kEventsShown);
  }
}

void add_records(std::string& text, const GoldenDifference& difference, const std::vector<Record>& log) {
  const std::size_t from = difference.first < kShownBefore ? 0 : difference.first - kShownBefore;
  const std::size_t to = std::min<std::size_t>(log.size(), difference.last + kShownAfter + 1);
  std::size_t shown = 0;
  for (std::size_t at = std::min(from, log.size()); at < to && shown < 2 * (kShownBefore + kShownAfter); ++at) {
    if (log[at].kind == Kind::text) {
      continue;
    }
    const bool differs = at >= difference.first && at <= difference.last;
    text +=
        fmt::format("  {:<9} #{} at {}: {}\n", differs ? "run  >" : "run", at, when(log[at].time), event_at(log, at));
    ++shown;
  }
  if (difference.ended) {
    text += "  run  >    ends here\n";
  }
}

}  // namespace

std::optional<GoldenDifference> first_difference(const GoldenLog& golden, const GoldenLog& run) {
  const std::size_t unlike = first_unlike(golden.segments, run.segments, same);
  if (unlike == run.segments.size() && golden.segments.size() == run.segments.size()) {
    return std::nullopt;
  }
  const std::size_t other_events = first_unlike(golden.segments, run.segments, same_events);
  const bool same_streams = golden.streams == run.streams && golden.streams != GoldenStreams{};
  const bool only_time =
      same_streams || (other_events == run.segments.size() && golden.segments.size() == run.segments.size());
  GoldenDifference difference;
  difference.kind = only_time ? GoldenDifference::Kind::time : GoldenDifference::Kind::events;
  difference.segment = only_time ? unlike : other_events;
  difference.moved_before = !only_time && unlike < other_events;
  difference.segments = count_changed(golden.segments, run.segments);
  locate(golden, run, difference);
  difference.old_time = time_at_end(golden.segments, difference.segment);
  difference.new_time = time_at_end(run.segments, difference.segment);
  difference.old_end = golden.duration();
  difference.new_end = run.duration();
  const std::vector<std::string> nothing;
  const auto events = [&](const GoldenLog& log) -> const std::vector<std::string>& {
    return difference.segment < log.segments.size() ? log.segments[difference.segment].events : nothing;
  };
  difference.gone = only_in(events(golden), events(run));
  difference.come = only_in(events(run), events(golden));
  return difference;
}

std::string summary_of(const GoldenDifference& difference, const std::vector<Record>& log) {
  const std::string event =
      difference.ended ? "the run ends" : event_at(log, std::min<std::size_t>(difference.first, log.size() - 1));
  if (difference.kind == GoldenDifference::Kind::time) {
    return fmt::format("timing regression: the same events, and from {} ({}) at other times; the run ends at {}",
                       place(difference), event, change(difference.old_end, difference.new_end));
  }
  return fmt::format("other events from {} ({}), in segment {}", place(difference), event, difference.segment + 1);
}

std::string render(const GoldenDifference& difference, const std::vector<Record>& log) {
  std::string text;
  text += fmt::format("  where     segment {}, records {} of the run; {} segment(s) changed\n", difference.segment + 1,
                      place(difference), difference.segments);
  text += fmt::format("  time      at the end of that segment {}\n", change(difference.old_time, difference.new_time));
  text += fmt::format("  time      at the end of the run {}\n", change(difference.old_end, difference.new_end));
  if (difference.moved_before) {
    text += "  time      had changed before that segment\n";
  }
  add_lines(text, "golden", difference.gone);
  add_lines(text, "now", difference.come);
  add_records(text, difference, log);
  return text;
}

}  // namespace ringside::trace
