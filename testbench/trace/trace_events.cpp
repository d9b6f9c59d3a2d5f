#include "testbench/trace/trace_events.h"

#include <fmt/core.h>

#include <string>

#include "testbench/trace/json_text.h"

namespace ringside::trace {

EventArguments& EventArguments::add(std::string_view name, std::uint64_t value) {
  json_ += fmt::format("{}\"{}\":{}", json_.empty() ? "" : ",", name, value);
  return *this;
}

EventArguments& EventArguments::add(std::string_view name, std::string_view text) {
  json_ += fmt::format("{}\"{}\":{}", json_.empty() ? "" : ",", name, json_quoted(text));
  return *this;
}

EventArguments& EventArguments::add_hash(std::string_view name, std::uint64_t hash) {
  return hash == 0 ? *this : add(name, fmt::format("{:016x}", hash));
}

TraceEvents::TraceEvents(std::ostream& out) : out_(out) { out_ << "{\"displayTimeUnit\":\"ns\",\"traceEvents\":["; }

void TraceEvents::name_process(std::uint32_t process, std::string_view name) {
  write_name("process", {process, 0}, name, process);
}

// Numbers of threads differ between processes too: some viewers take them for unique.
TraceEvents::Track TraceEvents::new_track(std::uint32_t process, std::string_view name, std::uint32_t place) {
  const Track track{process, ++threads_};
  write_name("thread", track, name, place);
  return track;
}

void TraceEvents::begin(Track track, std::uint64_t time, std::string_view name, const EventArguments& arguments) {
  ++open_;
  write('B', track, time, name, "", arguments);
}

void TraceEvents::end(Track track, std::uint64_t time, const EventArguments& arguments) {
  --open_;
  write('E', track, time, "", "", arguments);
}

void TraceEvents::instant(Track track, std::uint64_t time, std::string_view name, const EventArguments& arguments) {
  write('i', track, time, name, ",\"s\":\"t\"", arguments);
}

void TraceEvents::counter(std::uint32_t process, std::uint64_t time, std::string_view name, std::string_view unit,
                          std::uint64_t value) {
  write('C', {process, 0}, time, name, "", EventArguments().add(unit, value));
}

void TraceEvents::close(const EventArguments& about) { out_ << "\n],\"otherData\":{" << about.json() << "}}\n"; }

void TraceEvents::write_name(std::string_view what, Track track, std::string_view name, std::uint32_t place) {
  write('M', track, 0, fmt::format("{}_name", what), "", EventArguments().add("name", name));
  write('M', track, 0, fmt::format("{}_sort_index", what), "", EventArguments().add("sort_index", place));
}

void TraceEvents::write(char phase, Track track, std::uint64_t time, std::string_view name, std::string_view more,
                        const EventArguments& arguments) {
  std::string event = fmt::format("{}\n{{\"ph\":\"{}\",\"pid\":{},\"tid\":{},\"ts\":{}.{:03}{}", first_ ? "" : ",",
                                  phase, track.process, track.thread, time / 1000, time % 1000, more);
  if (!name.empty()) {
    event += fmt::format(",\"name\":{}", json_quoted(name));
  }
  if (!arguments.json().empty()) {
    event += fmt::format(",\"args\":{{{}}}", arguments.json());
  }
  event.push_back('}');
  out_.write(event.data(), static_cast<std::streamsize>(event.size()));
  first_ = false;
}

}  // namespace ringside::trace
