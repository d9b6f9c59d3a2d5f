#include "testbench/cli/projection.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "testbench/targets/target.h"
#include "testbench/trace/fst_format.h"
#include "testbench/trace/jsonl.h"
#include "testbench/trace/output_file.h"
#include "testbench/trace/timeline.h"
#include "testbench/trace/vcd_format.h"
#include "testbench/trace/wave.h"

namespace ringside::cli {
namespace {

const char* extension_of(Format format) {
  switch (format) {
    case Format::rlog:
      return ".rlog";
    case Format::jsonl:
      return ".jsonl";
    case Format::vcd:
      return ".vcd";
    case Format::fst:
      return ".fst";
    case Format::timeline:
      break;
  }
  return ".json";
}

// A writer that closes its own file.
template <class Writer>
class FileProjection final : public Projection {
 public:
  template <class... Arguments>
  explicit FileProjection(Arguments&&... arguments) : writer_(std::forward<Arguments>(arguments)...) {}
  void append(const trace::Record& record) override { writer_.append(record); }
  void append_all(std::span<const trace::Record> records) override { writer_.append_all(records); }
  void close() override { writer_.close(); }

 private:
  Writer writer_;
};

// A writer of text, which is complete when it is gone.
template <class Writer>
class TextProjection final : public Projection {
 public:
  TextProjection(const std::string& path, const trace::LogMetadata& metadata)
      : file_(path), writer_(std::make_unique<Writer>(file_.stream(), metadata)) {}
  void append(const trace::Record& record) override { writer_->append(record); }
  void append_all(std::span<const trace::Record> records) override { writer_->append_all(records); }
  void close() override {
    writer_.reset();
    file_.close();
  }

 private:
  trace::OutputFile file_;
  std::unique_ptr<Writer> writer_;
};

std::unique_ptr<Projection> wave_in(std::unique_ptr<trace::WaveFormat> format) {
  return std::make_unique<FileProjection<trace::WaveWriter>>(std::move(format));
}

}  // namespace

Format format_of(const std::string& path, std::span<const Format> allowed) {
  const std::string extension = std::filesystem::path(path).extension().string();
  const auto found = std::ranges::find_if(allowed, [&](Format format) { return extension == extension_of(format); });
  if (found == allowed.end()) {
    std::string expected;
    for (const Format format : allowed) {
      expected += (expected.empty() ? "" : " or ") + std::string(extension_of(format));
    }
    throw targets::InputError(fmt::format("{}: expected a name that ends in {}", path, expected));
  }
  if (*found == Format::fst && !trace::fst_missing().empty()) {
    throw targets::LackingError(fmt::format("{}: {}", path, trace::fst_missing()));
  }
  return *found;
}

std::unique_ptr<Projection> open_projection(const std::string& path, Format format,
                                            const trace::LogMetadata& metadata) {
  switch (format) {
    case Format::rlog:
      return std::make_unique<FileProjection<trace::LogFileWriter>>(path, metadata);
    case Format::jsonl:
      return std::make_unique<TextProjection<trace::JsonlWriter>>(path, metadata);
    case Format::vcd:
      return wave_in(std::make_unique<trace::VcdFormat>(path, trace::wave_comment(metadata)));
    case Format::fst:
      return wave_in(trace::make_fst(path, trace::wave_comment(metadata)));
    case Format::timeline:
      break;
  }
  return std::make_unique<TextProjection<trace::TimelineWriter>>(path, metadata);
}

void write_projection(const std::string& path, Format format, const trace::LogFile& log) {
  const auto projection = open_projection(path, format, log.metadata);
  for (const trace::Record& record : log.records) {
    projection->append(record);
  }
  projection->close();
}

}  // namespace ringside::cli
