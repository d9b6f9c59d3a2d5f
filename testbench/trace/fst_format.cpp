#include "testbench/trace/fst_format.h"

#include <fmt/core.h>

#include "testbench/trace/file_error.h"

#ifdef RINGSIDE_FST
#include <fstapi.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>
#endif

namespace ringside::trace {

#ifdef RINGSIDE_FST
namespace {

constexpr int kNanoseconds = -9;

// The writer removes what lies at the path and creates it again. That is for files; it must not happen to a device.
void require_file(const std::string& path) {
  std::error_code none;
  const auto status = std::filesystem::status(path, none);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw FileError(fmt::format("{}: cannot be written: not a regular file", path));
  }
}

// The writer does not say whether everything reached the disk. A file is a row of blocks, each with its length, of
// which the last ones are written last: when it ends where a block ends, and the hierarchy is there, it is whole.
bool is_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::uint64_t at = 0;
  bool hierarchy = false;
  std::error_code none;
  const std::uint64_t size = std::filesystem::file_size(path, none);
  while (at < size) {
    std::array<unsigned char, 9> block{};  // kind; length from after the kind on, big endian
    file.seekg(static_cast<std::streamoff>(at));
    if (!file.read(reinterpret_cast<char*>(block.data()), block.size())) {
      return false;
    }
    std::uint64_t length = 0;
    for (std::size_t i = 1; i < block.size(); ++i) {
      length = length << 8 | block[i];
    }
    hierarchy |= block[0] == FST_BL_HIER || block[0] == FST_BL_HIER_LZ4 || block[0] == FST_BL_HIER_LZ4DUO;
    if (block[0] == FST_BL_SKIP || length > size - at - 1) {
      return false;
    }
    at += 1 + length;
  }
  return hierarchy;
}

class FstFormat final : public WaveFormat {
 public:
  FstFormat(const std::string& path, std::string_view comment, std::size_t section_bytes)
      : path_(path), section_bytes_(section_bytes) {
    require_file(path);
    writer_ = fstWriterCreate(path.c_str(), 1);
    if (writer_ == nullptr) {
      throw FileError(fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
    }
    fstWriterSetTimescale(writer_, kNanoseconds);
    fstWriterSetVersion(writer_, "Ringside");
    fstWriterSetDate(writer_, "");  // the same run makes the same file
    fstWriterSetComment(writer_, std::string(comment).c_str());
    fstWriterSetPackType(writer_, FST_WR_PT_LZ4);
  }

  ~FstFormat() override { finish(); }

  void open_scope(std::string_view name) override {
    fstWriterSetScope(writer_, FST_ST_VCD_MODULE, std::string(name).c_str(), nullptr);
  }

  void close_scope() override { fstWriterSetUpscope(writer_); }

  [[nodiscard]] Id declare(Type type, unsigned bits, std::string_view name) override {
    const fstVarType kind = type == Type::bits    ? FST_VT_VCD_REG
                            : type == Type::count ? FST_VT_VCD_INTEGER
                            : type == Type::event ? FST_VT_VCD_EVENT
                                                  : FST_VT_GEN_STRING;
    const fstHandle handle = fstWriterCreateVar(writer_, kind, FST_VD_IMPLICIT, bits, std::string(name).c_str(), 0);
    variables_.push_back({handle, bits});
    mapped_ = false;
    return variables_.size() - 1;
  }

  void time(std::uint64_t time) override {
    map_variables();
    if (section_ > section_bytes_) {
      fstWriterFlushContext(writer_);
      section_ = 0;
    }
    fstWriterEmitTimeChange(writer_, time);
  }

  void number(Id id, std::uint64_t value) override {
    const Variable& variable = variables_[id];
    std::array<char, 64> digits;
    for (unsigned i = 0; i < variable.bits; ++i) {
      digits[i] = static_cast<char>('0' + (value >> (variable.bits - 1 - i) & 1));
    }
    fstWriterEmitValueChange(writer_, variable.handle, digits.data());
    section_ += variable.bits;
  }

  void text(Id id, std::string_view text) override {
    fstWriterEmitVariableLengthValueChange(writer_, variables_[id].handle, text.data(),
                                           static_cast<std::uint32_t>(text.size()));
    section_ += text.size();
  }

  void event(Id id) override {
    fstWriterEmitValueChange(writer_, variables_[id].handle, "1");
    ++section_;
  }

  void close() override {
    finish();
    if (!is_whole(path_)) {
      throw FileError(fmt::format("{}: cannot be written in full", path_));
    }
  }

 private:
  struct Variable {
    fstHandle handle = 0;
    unsigned bits = 0;
  };

  // After a declaration the writer has no table of variables until the next change, and to end a section without it
  // is a crash. A change of the wrong type makes the table, and is no change.
  void map_variables() {
    if (!mapped_) {
      const Variable& last = variables_.back();
      if (last.bits == 0) {
        fstWriterEmitValueChange(writer_, last.handle, "");
      } else {
        fstWriterEmitVariableLengthValueChange(writer_, last.handle, "", 0);
      }
      mapped_ = true;
    }
  }

  void finish() {
    if (writer_ != nullptr) {
      map_variables();
      fstWriterClose(writer_);
      writer_ = nullptr;
    }
  }

  std::string path_;
  std::size_t section_bytes_;
  void* writer_ = nullptr;
  std::vector<Variable> variables_;
  std::size_t section_ = 0;
  bool mapped_ = true;
};

}  // namespace

std::string fst_missing() { return {}; }

std::unique_ptr<WaveFormat> make_fst(const std::string& path, std::string_view comment, std::size_t section_bytes) {
  return std::make_unique<FstFormat>(path, comment, section_bytes);
}

#else  // without GTKWave's writer

std::string fst_missing() {
  return "FST waves need GTKWave's writer: install Debian's verilator and zlib1g-dev, and build again (VCD needs "
         "neither)";
}

std::unique_ptr<WaveFormat> make_fst(const std::string& path, std::string_view, std::size_t) {
  throw FileError(fmt::format("{}: cannot be written: {}", path, fst_missing()));
}

#endif

}  // namespace ringside::trace
