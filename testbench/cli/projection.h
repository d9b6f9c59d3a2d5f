// A log on its way into a file, in the format that the file's name asks for. Every format is written as the records
// come: memory does not grow with the log.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "testbench/trace/log_file.h"

namespace ringside::cli {

enum class Format { rlog, jsonl, vcd, fst, timeline };

// Throws targets::InputError when the name of the file ends in none of those allowed, targets::LackingError when this
// build cannot write that format.
[[nodiscard]] Format format_of(const std::string& path, std::span<const Format> allowed);

class Projection : public trace::Sink {
 public:
  Projection() = default;
  Projection(const Projection&) = delete;
  Projection& operator=(const Projection&) = delete;
  virtual ~Projection() = default;
  // The file is complete then. Throws trace::FileError when any of it could not be written.
  virtual void close() = 0;
};

// Throws trace::FileError.
[[nodiscard]] std::unique_ptr<Projection> open_projection(const std::string& path, Format format,
                                                          const trace::LogMetadata& metadata);

// All of a log. Throws trace::FileError when the file cannot be written in full.
void write_projection(const std::string& path, Format format, const trace::LogFile& log);

}  // namespace ringside::cli
