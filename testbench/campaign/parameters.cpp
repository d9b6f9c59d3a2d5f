#include "testbench/campaign/parameters.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <charconv>
#include <limits>

#include "testbench/campaign/draw_case.h"
#include "testbench/campaign/toml_file.h"
#include "testbench/targets/target.h"
#include "testbench/trace/toml_quoted.h"

namespace ringside::campaign {
namespace {

constexpr std::uint64_t kVersion = 1;                                              // of the file
constexpr std::uint64_t kSystematicRounds = 8;                                     // opportunities of each kind
constexpr std::uint64_t kMostSeed = std::numeric_limits<std::int64_t>::max() - 1;  // TOML's integers

bool parse_number(std::string_view text, std::uint64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size() && value <= kMostSeed;
}

}  // namespace

Seeds Seeds::parse(const std::string& text) {
  const std::size_t dots = text.find("..");
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  const bool one = dots == std::string::npos;
  if (!parse_number(text.substr(0, dots), first) || !parse_number(one ? text : text.substr(dots + 2), last) ||
      last < first) {
    throw targets::InputError(fmt::format("--seeds {}: expected A..B, as in 0..9999, or one number", text));
  }
  return {first, last + 1};
}

std::string Seeds::text() const { return fmt::format("{}..{}", first, end - 1); }

void Parameters::set_default_boundaries() {
  systematic_until = systematic_round() * kSystematicRounds;
  random_until = 3 * systematic_until;
}

std::string Parameters::print() const {
  std::string text = fmt::format(
      "# A campaign of ringside. The results beside it are those of these parameters.\n"
      "campaign = {}\nversion = {}\nseeds = \"{}\"\ntarget = {}\nsystematic_until = {}\nrandom_until = {}\n",
      kVersion, trace::toml_quoted(version), seeds.text(), trace::toml_quoted(target), systematic_until, random_until);
  if (!plan.empty()) {
    text += fmt::format("plan = {}\n", trace::toml_quoted_lines(plan));
  }
  return text;
}

Parameters Parameters::parse(const std::string& text, const std::string& path) {
  const TomlFile file(text, path);
  file.require_keys({"campaign", "version", "seeds", "target", "systematic_until", "random_until", "plan"});
  file.require_version("campaign", kVersion);
  Parameters result;
  result.version = file.text("version");
  result.seeds = Seeds::parse(file.text("seeds"));
  result.target = file.text("target");
  result.systematic_until = file.number("systematic_until");
  result.random_until = file.number("random_until");
  result.plan = file.has("plan") ? file.text("plan") : std::string();
  return result;
}

std::string Parameters::difference(const Parameters& other) const {
  const auto differ = [](const char* what, const auto& here, const auto& there) {
    return fmt::format("{}: {} here, {} there", what, here, there);
  };
  if (version != other.version) {
    return differ("version of Ringside", version, other.version);
  }
  if (seeds.text() != other.seeds.text()) {
    return differ("seeds", seeds.text(), other.seeds.text());
  }
  if (target != other.target) {
    return differ("target", target, other.target);
  }
  if (systematic_until != other.systematic_until || random_until != other.random_until) {
    return differ("boundaries", fmt::format("{}, {}", systematic_until, random_until),
                  fmt::format("{}, {}", other.systematic_until, other.random_until));
  }
  return plan == other.plan ? std::string() : "another plan";
}

}  // namespace ringside::campaign
