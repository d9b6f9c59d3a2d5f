#include "testbench/campaign/case_file.h"

#include <fmt/format.h>

#include <charconv>
#include <string_view>

#include "testbench/campaign/toml_file.h"
#include "testbench/scenarios/campaign_workload.h"
#include "testbench/targets/disk_image.h"
#include "testbench/trace/file_error.h"
#include "testbench/trace/toml_quoted.h"

namespace ringside::campaign {
namespace {

constexpr std::uint64_t kVersion = 1;

std::string hash_text(std::uint64_t hash) { return fmt::format("\"{:#018x}\"", hash); }

std::uint64_t hash_in(const TomlFile& file, std::string_view key, const std::string& path) {
  const std::string text = file.text(key);
  std::uint64_t value = 0;
  const char* const begin = text.data() + (text.starts_with("0x") ? 2 : 0);
  const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value, 16);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw trace::FileError(fmt::format("{}: {}: expected a hash, as in \"0x0123456789abcdef\"", path, key));
  }
  return value;
}

}  // namespace

std::string print_case(const CaseFile& file) {
  const Case& subject = file.subject;
  std::string text = fmt::format(
      "# A run of a fault campaign. Again: ringside replay FILE. Smaller: ringside shrink FILE.\n"
      "case = {}\nversion = {}\nseed = {}\ntarget = {}\nsignature = {}\nimage_hash = {}\n",
      kVersion, trace::toml_quoted(file.version), subject.seed, trace::toml_quoted(subject.target),
      trace::toml_quoted(file.signature), hash_text(file.image_hash));
  if (file.log_hash) {
    text += fmt::format("log_hash = {}\n", hash_text(*file.log_hash));
  }
  std::string settings;
  for (const auto& [key, value] : subject.settings) {
    settings +=
        fmt::format("{}{} = {}", settings.empty() ? "" : ", ", trace::toml_quoted(key), trace::toml_quoted(value));
  }
  text += fmt::format("settings = {{{}}}\n", settings);
  text += fmt::format("program = {}\n", trace::toml_quoted_lines(programs::print_program(subject.program)));
  return text + fmt::format("plan = {}\n", trace::toml_quoted_lines(to_toml(subject.plan)));
}

CaseFile parse_case(const std::string& text, const std::string& path) {
  const TomlFile file(text, path);
  file.require_keys(
      {"case", "version", "seed", "target", "signature", "image_hash", "log_hash", "settings", "program", "plan"});
  file.require_version("case", kVersion);
  CaseFile result;
  result.version = file.text("version");
  result.signature = file.text("signature");
  result.image_hash = hash_in(file, "image_hash", path);
  if (file.has("log_hash")) {
    result.log_hash = hash_in(file, "log_hash", path);
  }
  result.subject.seed = file.number("seed");
  result.subject.target = file.text("target");
  result.subject.settings = file.texts("settings");
  result.subject.program = programs::parse_program(file.inner_file("program"), path);
  result.subject.plan = faults::parse_plan(file.inner_file("plan"), path);
  return result;
}

CaseFile load_case(const std::string& path) { return parse_case(read_text_file(path, "a case of a campaign"), path); }

std::uint64_t campaign_image_hash() {
  static const std::uint64_t hash =
      targets::DiskImage::in_memory(scenarios::kCampaignDiskSectors * block::kSectorSize, scenarios::kCampaignDiskSeed)
          .hash();
  return hash;
}

}  // namespace ringside::campaign
