#include "testbench/cli/projection.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "testbench/targets/target.h"
#include "testbench/trace/jsonl.h"
#include "testbench/trace/timeline.h"
#include "testbench/trace/vcd.h"

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
    case Format::timeline:
      break;
  }
  return ".json";
}

void write_rlog(const std::string& path, const trace::LogFile& log) {
  trace::LogFileWriter writer(path, log.metadata);
  for (const trace::Record& record : log.records) {
    writer.append(record);
  }
  writer.close();
}

}  // namespace

Format format_of(const std::string& path, std::span<const Format> allowed) {
  const std::string extension = std::filesystem::path(path).extension().string();
  const auto found = std::ranges::find_if(allowed, [&](Format format) { return extension == extension_of(format); });
  if (found != allowed.end()) {
    return *found;
  }
  std::string expected;
  for (const Format format : allowed) {
    expected += (expected.empty() ? "" : " or ") + std::string(extension_of(format));
  }
  throw targets::InputError(fmt::format("{}: expected a name that ends in {}", path, expected));
}

void write_projection(const std::string& path, Format format, const trace::LogFile& log) {
  switch (format) {
    case Format::rlog:
      return write_rlog(path, log);
    case Format::jsonl:
      return trace::write_jsonl(path, log.metadata, log.records);
    case Format::vcd:
      return trace::write_vcd(path, log.metadata, log.records);
    case Format::timeline:
      return trace::write_timeline(path, log.metadata, log.records);
  }
}

}  // namespace ringside::cli
