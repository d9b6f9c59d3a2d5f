#include "testbench/trace/jsonl.h"

#include <fmt/core.h>

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

#include "testbench/trace/json_text.h"
#include "testbench/trace/names.h"
#include "testbench/trace/output_file.h"
#include "testbench/trace/text.h"

namespace ringside::trace {
namespace {

constexpr std::size_t kUsualLine = 256;

std::string kind_text(Kind kind) {
  const char* const name = name_of(kind);
  return name != nullptr ? fmt::format("\"{}\"", name) : fmt::format("{}", static_cast<unsigned>(kind));
}

void add_number(std::string& line, const char* name, std::uint64_t value) {
  if (value != 0) {
    line += fmt::format(",\"{}\":{}", name, value);
  }
}

}  // namespace

JsonlWriter::JsonlWriter(std::ostream& out, const LogMetadata& metadata) : out_(out) {
  const nlohmann::ordered_json header = {
      {"schema", fmt::format("ringside.log/{}.{}", kSchemaMajor, kSchemaMinor)},
      {"scenario", metadata.scenario},
      {"target", metadata.target},
      {"identity", metadata.identity},
      {"machine", metadata.machine},
      {"seed", metadata.seed},
      {"settings", metadata.settings},
      {"follows", metadata.follows},
      {"ringside", metadata.ringside_version.empty() ? RINGSIDE_VERSION : metadata.ringside_version}};
  out_ << header.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << '\n';
}

void JsonlWriter::append(const Record& record) {
  std::string line;
  line.reserve(kUsualLine);
  line += fmt::format("{{\"n\":{},\"time\":{},\"tap\":\"{}\",\"kind\":{}", count_++, record.time, name_of(record.tap),
                      kind_text(record.kind));
  add_number(line, "unit", record.unit);
  add_number(line, "flags", record.flags);
  if (record.kind == Kind::text) {
    line += fmt::format(",\"text\":{}", json_quoted(text_piece(record)));
  } else {
    add_number(line, "width", record.width);
    add_number(line, "queue", record.queue);
    add_number(line, "region", record.region);
    add_number(line, "ordinal", record.ordinal);
    add_number(line, "offset", record.offset);
    add_number(line, "value", record.value);
    add_number(line, "length", record.length);
    add_number(line, "hash", record.hash);
    add_number(line, "aux", record.aux);
  }
  line.push_back('}');
  line.push_back('\n');
  out_.write(line.data(), static_cast<std::streamsize>(line.size()));
}

void write_jsonl(const std::string& path, const LogMetadata& metadata, const std::vector<Record>& log) {
  OutputFile file(path);
  JsonlWriter writer(file.stream(), metadata);
  for (const Record& record : log) {
    writer.append(record);
  }
  file.close();
}

}  // namespace ringside::trace
