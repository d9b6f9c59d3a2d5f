#include "testbench/campaign/toml_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>

#include "testbench/trace/file_error.h"
#include "testbench/trace/toml_text.h"

namespace ringside::campaign {

struct TomlFile::Document {
  toml::table table;
};

namespace {

std::uint32_t line_of(const toml::node& node) { return node.source().begin.line; }

}  // namespace

TomlFile::TomlFile(const std::string& text, const std::string& path)
    : path_(path), document_(std::make_unique<Document>()) {
  trace::require_toml_text(text, path);
  try {
    document_->table = toml::parse(text, path);
  } catch (const toml::parse_error& problem) {
    fail(problem.source().begin.line, std::string(problem.description()));
  }
}

TomlFile::~TomlFile() = default;

void TomlFile::fail(std::uint32_t line, const std::string& what) const {
  throw trace::FileError(fmt::format("{}:{}: {}", path_, line, what));
}

void TomlFile::require_keys(std::initializer_list<std::string_view> known) const {
  for (const auto& [key, value] : document_->table) {
    if (std::ranges::find(known, key.str()) == known.end()) {
      fail(line_of(value), fmt::format("unknown key \"{}\"; expected one of {}", key.str(), fmt::join(known, ", ")));
    }
  }
}

void TomlFile::require_version(std::string_view key, std::uint64_t newest) const {
  const std::uint64_t found = number(key);
  if (found == 0 || found > newest) {
    fail(line_of(*document_->table.get(key)),
         fmt::format("{} = {}: expected a version of the format from 1 to {}, which this Ringside reads", key, found,
                     newest));
  }
}

bool TomlFile::has(std::string_view key) const { return document_->table.contains(key); }

std::string TomlFile::text(std::string_view key) const {
  const toml::node* const node = document_->table.get(key);
  if (node == nullptr || !node->is_string()) {
    fail(node == nullptr ? 1 : line_of(*node), fmt::format("{}: expected a text in quotes", key));
  }
  return node->as_string()->get();
}

std::uint64_t TomlFile::number(std::string_view key) const {
  const toml::node* const node = document_->table.get(key);
  const std::int64_t value = node != nullptr && node->is_integer() ? node->as_integer()->get() : -1;
  if (value < 0) {
    fail(node == nullptr ? 1 : line_of(*node), fmt::format("{}: expected a number that is not negative", key));
  }
  return static_cast<std::uint64_t>(value);
}

std::map<std::string, std::string> TomlFile::texts(std::string_view key) const {
  std::map<std::string, std::string> result;
  const toml::node* const node = document_->table.get(key);
  if (node == nullptr) {
    return result;
  }
  if (!node->is_table()) {
    fail(line_of(*node), fmt::format("{}: expected a table of texts", key));
  }
  for (const auto& [name, value] : *node->as_table()) {
    if (!value.is_string()) {
      fail(line_of(value), fmt::format("{}: expected a text in quotes for \"{}\"", key, name.str()));
    }
    result[std::string(name.str())] = value.as_string()->get();
  }
  return result;
}

std::string TomlFile::inner_file(std::string_view key) const {
  const std::string inner = text(key);
  // It begins on the line after its quotes, whose line end TOML drops.
  return std::string(line_of(*document_->table.get(key)), '\n') + inner;
}

std::string read_text_file(const std::string& path, const char* what) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw trace::FileError(fmt::format("{}: cannot be opened: {}; expected {}", path, std::strerror(errno), what));
  }
  std::string text(TomlFile::kMostBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.fail() && !file.eof())) {
    throw trace::FileError(fmt::format("{}: cannot be read; expected {}", path, what));
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > TomlFile::kMostBytes) {
    throw trace::FileError(fmt::format("{}: expected {} of at most {} bytes", path, what, TomlFile::kMostBytes));
  }
  return text;
}

}  // namespace ringside::campaign
