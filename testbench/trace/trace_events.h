// A file in the Trace Event Format of Chrome (JSON), which Perfetto and chrome://tracing show: processes, in each of
// them tracks (threads), on these slices and instants; and counters of a process. Times are in ns and must not run
// backwards: the format has them in microseconds, with three decimals here.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

namespace ringside::trace {

// What a viewer lists when somebody selects an event.
class EventArguments {
 public:
  EventArguments& add(std::string_view name, std::uint64_t value);
  EventArguments& add(std::string_view name, std::string_view text);
  // 64 bits in hex: as a number, a viewer would round it. Left out when 0.
  EventArguments& add_hash(std::string_view name, std::uint64_t hash);
  // The members of a JSON object, without its braces.
  [[nodiscard]] const std::string& json() const { return json_; }

 private:
  std::string json_;
};

class TraceEvents {
 public:
  struct Track {
    std::uint32_t process = 0;
    std::uint32_t thread = 0;
  };

  explicit TraceEvents(std::ostream& out);

  // Viewers show processes in the order of their numbers, and the tracks of a process in that of `place`.
  void name_process(std::uint32_t process, std::string_view name);
  [[nodiscard]] Track new_track(std::uint32_t process, std::string_view name, std::uint32_t place);

  // A slice; slices of one track do not overlap.
  void begin(Track track, std::uint64_t time, std::string_view name, const EventArguments& arguments = {});
  // Of the slice that is open on this track. Its arguments are added to those of the beginning.
  void end(Track track, std::uint64_t time, const EventArguments& arguments = {});
  void instant(Track track, std::uint64_t time, std::string_view name, const EventArguments& arguments = {});
  void counter(std::uint32_t process, std::uint64_t time, std::string_view name, std::string_view unit,
               std::uint64_t value);

  // Slices begun and not ended.
  [[nodiscard]] std::size_t open() const { return open_; }

  // Ends the file. Nothing may follow.
  void close(const EventArguments& about);

 private:
  void write_name(std::string_view what, Track track, std::string_view name, std::uint32_t place);
  void write(char phase, Track track, std::uint64_t time, std::string_view name, std::string_view more,
             const EventArguments& arguments);

  std::ostream& out_;
  std::uint32_t threads_ = 0;
  std::size_t open_ = 0;
  bool first_ = true;
};

}  // namespace ringside::trace
