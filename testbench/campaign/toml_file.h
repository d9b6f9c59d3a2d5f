// The project's TOML files of a campaign: a few keys at the top, each checked, with the line in every complaint.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace ringside::campaign {

// All of these throw trace::FileError: one line with file, line and what was expected there.
class TomlFile {
 public:
  static constexpr std::size_t kMostBytes = 4u << 20;

  TomlFile(const std::string& text, const std::string& path);
  ~TomlFile();
  TomlFile(const TomlFile&) = delete;
  TomlFile& operator=(const TomlFile&) = delete;

  void require_keys(std::initializer_list<std::string_view> known) const;
  // That the file is of this version of its format, or an older one.
  void require_version(std::string_view key, std::uint64_t newest) const;
  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] std::string text(std::string_view key) const;
  [[nodiscard]] std::uint64_t number(std::string_view key) const;
  // A table of texts; empty when there is none.
  [[nodiscard]] std::map<std::string, std::string> texts(std::string_view key) const;
  // A text of many lines that is a file of its own, moved down to where it stands: what complains about a line of it
  // names the line of this file.
  [[nodiscard]] std::string inner_file(std::string_view key) const;

 private:
  struct Document;
  [[noreturn]] void fail(std::uint32_t line, const std::string& what) const;

  std::string path_;
  std::unique_ptr<Document> document_;
};

// Throws trace::FileError. `what` it should have been.
[[nodiscard]] std::string read_text_file(const std::string& path, const char* what);

}  // namespace ringside::campaign
