#include "testbench/trace/waivers.h"

#include <fmt/format.h>
#include <fnmatch.h>
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <system_error>

#include "testbench/trace/toml_text.h"

namespace ringside::trace {
namespace {

constexpr std::array<std::string_view, 9> kKeys = {"clause", "reason",     "scenario", "kind",    "subject",
                                                   "field",  "decided_by", "expires",  "versions"};

constexpr std::uintmax_t kLargestFile = 1u << 20;

[[noreturn]] void fail(const std::string& name, std::uint64_t line, const std::string& what) {
  throw FileError(fmt::format("{}:{}: {}", name, line, what));
}

std::uint64_t line_of(const toml::node& node) { return node.source().begin.line; }

bool glob_matches(const std::string& pattern, const std::string& text) {
  return pattern.empty() || fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

bool either(const std::string& wanted, const std::string& found) { return wanted.empty() || wanted == found; }

// "7.2" covers "QEMU 7.2.22 (Debian ...)", and not "QEMU 7.20".
bool has_version(const std::string& identity, const std::string& version) {
  const std::string wanted = "QEMU " + version;
  const std::size_t at = identity.find(wanted);
  if (at == std::string::npos) {
    return false;
  }
  const std::size_t after = at + wanted.size();
  return after == identity.size() || (identity[after] < '0' || identity[after] > '9');
}

// One [[waiver]] of the file.
class TableReader {
 public:
  TableReader(const toml::table& table, const std::string& name) : table_(table), name_(name) {}

  Waiver read() {
    refuse_unknown_keys();
    Waiver waiver;
    waiver.file = name_;
    waiver.line = line_of(table_);
    waiver.clause = text("clause");
    waiver.reason = text("reason");
    waiver.scenario = required("scenario", "a scenario, or a pattern such as \"*\"");
    require_cheap("scenario", waiver.scenario);
    waiver.kind = text("kind");
    waiver.subject = text("subject");
    require_cheap("subject", waiver.subject);
    waiver.field = text("field");
    waiver.decided_by = required("decided_by", "the role that decided it, such as \"maintainers\"");
    waiver.expires = date();
    waiver.versions = versions();
    if (waiver.clause.empty() && waiver.reason.empty()) {
      fail(name_, waiver.line, "a waiver without clause and reason; expected one of them");
    }
    if (waiver.clause.empty() && waiver.kind.empty() && waiver.subject.empty() && waiver.field.empty()) {
      fail(name_, waiver.line, "a waiver that would cover everything; expected clause, kind, subject or field");
    }
    return waiver;
  }

 private:
  void refuse_unknown_keys() {
    for (const auto& [key, value] : table_) {
      if (std::find(kKeys.begin(), kKeys.end(), key.str()) == kKeys.end()) {
        fail(name_, line_of(value),
             fmt::format("unknown key \"{}\"; expected one of {}", key.str(), fmt::join(kKeys, ", ")));
      }
    }
  }

  std::string text(std::string_view key) {
    const toml::node* const node = table_.get(key);
    if (node == nullptr) {
      return {};
    }
    if (!node->is_string()) {
      fail(name_, line_of(*node), fmt::format("{}: expected a string", key));
    }
    return node->as_string()->get();
  }

  std::string required(std::string_view key, std::string_view expected) {
    std::string value = text(key);
    if (value.empty()) {
      fail(name_, line_of(table_), fmt::format("a waiver without {}; expected {}", key, expected));
    }
    return value;
  }

  // Matching a pattern takes time that grows with a power of its stars.
  void require_cheap(std::string_view key, const std::string& pattern) {
    constexpr std::ptrdiff_t kMostStars = 4;
    if (std::ranges::count(pattern, '*') > kMostStars) {
      fail(name_, line_of(*table_.get(key)),
           fmt::format("{}: expected a pattern of at most {} stars", key, kMostStars));
    }
  }

  std::chrono::year_month_day date() {
    const toml::node* const node = table_.get("expires");
    if (node == nullptr || !node->is_date()) {
      fail(name_, node == nullptr ? line_of(table_) : line_of(*node),
           "expires: expected a date without quotes, such as 2030-12-31");
    }
    const toml::date date = node->as_date()->get();
    return {std::chrono::year{date.year}, std::chrono::month{date.month}, std::chrono::day{date.day}};
  }

  std::vector<std::string> versions() {
    const toml::node* const node = table_.get("versions");
    std::vector<std::string> versions;
    if (node == nullptr) {
      return versions;
    }
    if (!node->is_array()) {
      fail(name_, line_of(*node), "versions: expected a list of strings, such as [\"7.2\"]");
    }
    for (const toml::node& version : *node->as_array()) {
      if (!version.is_string()) {
        fail(name_, line_of(version), "versions: expected a list of strings, such as [\"7.2\"]");
      }
      versions.push_back(version.as_string()->get());
    }
    return versions;
  }

  const toml::table& table_;
  const std::string& name_;
};

std::string text_of(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (!error && size > kLargestFile) {
    throw FileError(fmt::format("{}: {} bytes; a file of waivers has at most {}", path, size, kLargestFile));
  }
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || !text) {
    throw FileError(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  }
  return text.str();
}

std::vector<std::string> files_in(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code error;
  for (auto entry = std::filesystem::directory_iterator(directory, error); !error && entry != end(entry);
       entry.increment(error)) {
    if (entry->path().extension() == ".toml") {
      files.push_back(entry->path().string());
    }
  }
  if (error) {
    throw FileError(fmt::format("{}: cannot be read: {}", directory, error.message()));
  }
  if (files.empty()) {
    throw FileError(fmt::format("{}: no file of waivers in it; expected *.toml", directory));
  }
  std::ranges::sort(files);
  return files;
}

std::string label(const Waiver& waiver) {
  return fmt::format("{}:{}: waiver \"{}\"", waiver.file, waiver.line,
                     waiver.clause.empty() ? waiver.reason : waiver.clause);
}

}  // namespace

std::string date_text(std::chrono::year_month_day date) {
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

Waivers Waivers::load(const std::string& path, std::chrono::year_month_day today) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) {
    return parse(text_of(path), path, today);
  }
  Waivers all;
  all.today_ = today;
  for (const std::string& file : files_in(path)) {
    const Waivers more = parse(text_of(file), file, today);
    all.waivers_.insert(all.waivers_.end(), more.waivers_.begin(), more.waivers_.end());
  }
  return all;
}

Waivers Waivers::parse(const std::string& text, const std::string& name, std::chrono::year_month_day today) {
  Waivers waivers;
  waivers.today_ = today;
  require_toml_text(text, name);
  toml::table document;
  try {
    document = toml::parse(text, name);
  } catch (const toml::parse_error& problem) {
    fail(name, problem.source().begin.line, std::string(problem.description()));
  }
  for (const auto& [key, value] : document) {
    const toml::array* const list = value.as_array();
    if (key.str() != "waiver" || list == nullptr || (!list->empty() && !list->is_homogeneous<toml::table>())) {
      fail(name, line_of(value), fmt::format("\"{}\"; expected nothing but [[waiver]]", key.str()));
    }
    for (const toml::node& entry : *list) {
      waivers.waivers_.push_back(TableReader(*entry.as_table(), name).read());
    }
  }
  return waivers;
}

bool Waivers::applies_to(const Waiver& waiver, const std::vector<std::string>& identities) {
  return waiver.versions.empty() ||
         std::any_of(waiver.versions.begin(), waiver.versions.end(), [&](const std::string& wanted) {
           return std::any_of(identities.begin(), identities.end(),
                              [&](const std::string& identity) { return has_version(identity, wanted); });
         });
}

const Waiver* Waivers::match(const Difference& difference, const std::string& scenario,
                             const std::vector<std::string>& identities) {
  for (Waiver& waiver : waivers_) {
    if (applies_to(waiver, identities) && overdue(waiver) <= kGrace && glob_matches(waiver.scenario, scenario) &&
        either(waiver.clause, difference.clause) && either(waiver.kind, difference.kind) &&
        either(waiver.field, difference.field) && glob_matches(waiver.subject, difference.subject)) {
      ++waiver.hits;
      return &waiver;
    }
  }
  return nullptr;
}

std::vector<std::uint64_t> Waivers::hits() const {
  std::vector<std::uint64_t> hits;
  for (const Waiver& waiver : waivers_) {
    hits.push_back(waiver.hits);
  }
  return hits;
}

void Waivers::add_hits(const std::vector<std::uint64_t>& hits) {
  for (std::size_t i = 0; i < waivers_.size() && i < hits.size(); ++i) {
    waivers_[i].hits += hits[i];
  }
}

Waivers::Findings Waivers::review(bool complete_run, const std::vector<std::string>& identities) const {
  Findings findings;
  for (const Waiver& waiver : waivers_) {
    const std::chrono::days late = overdue(waiver);
    if (late > kGrace) {
      findings.failures.push_back(
          fmt::format("{} expired on {} and covers nothing any more", label(waiver), date_text(waiver.expires)));
    } else if (late > std::chrono::days{0}) {
      findings.warnings.push_back(fmt::format("{} expired on {}; in {} days it fails", label(waiver),
                                              date_text(waiver.expires), (kGrace - late).count() + 1));
    }
    if (complete_run && waiver.hits == 0 && late <= kGrace && applies_to(waiver, identities)) {
      findings.failures.push_back(fmt::format("{} covers nothing that happened", label(waiver)));
    }
  }
  return findings;
}

std::chrono::days Waivers::overdue(const Waiver& waiver) const {
  return std::chrono::sys_days{today_} - std::chrono::sys_days{waiver.expires};
}

Waivers::Standing Waivers::standing(const Waiver& waiver) const {
  const std::chrono::days late = overdue(waiver);
  if (late > kGrace) {
    return Standing::expired;
  }
  return late > std::chrono::days{0} ? Standing::expiring : Standing::valid;
}

std::chrono::year_month_day today() { return std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()); }

}  // namespace ringside::trace
