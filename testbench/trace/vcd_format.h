// A wave as VCD (IEEE 1364) with GTKWave's type "string" for text. The format wants all declarations first, so what
// changes goes to a file without a name until the last variable is known.
#pragma once

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "testbench/trace/wave_format.h"

namespace ringside::trace {

class VcdFormat final : public WaveFormat {
 public:
  // Throws FileError.
  VcdFormat(const std::string& path, std::string_view comment);

  void open_scope(std::string_view name) override;
  void close_scope() override;
  [[nodiscard]] Id declare(Type type, unsigned bits, std::string_view name) override;
  void time(std::uint64_t time) override;
  void number(Id id, std::uint64_t value) override;
  void text(Id id, std::string_view text) override;
  void event(Id id) override;
  void close() override;

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, CloseFile>;
  struct Variable {
    std::string code;
    unsigned bits = 0;
  };

  void flush();
  void copy_changes();
  [[noreturn]] void fail(int error) const;

  std::string path_;
  File file_;
  File changes_;
  std::string header_;
  std::string buffer_;  // of changes
  std::vector<Variable> variables_;
};

}  // namespace ringside::trace
