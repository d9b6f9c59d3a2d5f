// The canonical log as a file (.rlog): a header, JSON metadata that says what was run, and the records as they are.
//
//   0   8  "RINGSLOG"
//   8   2  schema major      10  2  schema minor
//   12  4  0x01020304, in the byte order of the records
//   16  4  size of a record  20  4  length of the metadata
//   24  n  metadata, padded with spaces to a multiple of 64 from the start of the file
//   ... records to the end of the file, the last of them Kind::log_end. Up to schema 1.1 there is none of that kind.
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "testbench/trace/file_error.h"
#include "testbench/trace/hash.h"
#include "testbench/trace/record.h"

namespace ringside::trace {

struct LogMetadata {
  std::string scenario;
  std::string target;    // as on the command line: "qemu,binary=/usr/bin/qemu-system-x86_64"
  std::string identity;  // binary, version and machine, as the target found them
  std::string machine;
  std::uint64_t seed = 0;
  std::string follows;  // the identity of the run whose completions this one followed; empty: it ran freely
  std::map<std::string, std::string> settings;
  std::string ringside_version;  // the writer fills it in when it is empty
};

// The file is complete when close() has returned: then it has its last record. Buffered; whole records reach the file,
// so that the log of a run that was killed can still be read up to there, by whoever says so.
class LogFileWriter final : public Sink {
 public:
  // Throws FileError when the file cannot be written.
  LogFileWriter(const std::string& path, const LogMetadata& metadata);
  ~LogFileWriter();
  LogFileWriter(const LogFileWriter&) = delete;
  LogFileWriter& operator=(const LogFileWriter&) = delete;

  // Never throws: a full disk must not end the run. close() tells.
  void append(const Record& record) override;
  void append_all(std::span<const Record> records) override;
  // Throws FileError when anything could not be written.
  void close();

 private:
  void flush();
  void put(const void* data, std::size_t size);

  std::string path_;
  int fd_ = -1;
  int error_ = 0;
  std::uint64_t count_ = 0;
  HashStream hash_;
  std::vector<Record> buffer_;
};

// Whether a log without its last record is read as far as it goes, or refused: it was cut, or its writer was killed.
enum class Ending : std::uint8_t { required, optional };

// Reads one record after the other. The file is outside input: every field is checked.
class LogFileReader {
 public:
  // Throws FileError when it is no log that this version can read.
  explicit LogFileReader(const std::string& path, Ending ending = Ending::required);

  [[nodiscard]] const LogMetadata& metadata() const { return metadata_; }
  [[nodiscard]] std::uint16_t minor() const { return minor_; }
  [[nodiscard]] std::uint64_t record_count() const { return count_; }

  // False at the end. Throws FileError for a record that makes no sense, and at the end when the bytes are not those
  // that were written; of a newer minor version, kinds that are not known here are passed on as they are.
  [[nodiscard]] bool next(Record& record);

 private:
  void read_header();
  void read_metadata(std::uint32_t length);
  void read_end();
  void check(const Record& record);
  void check_text(const Record& record);
  void check_end() const;

  std::string path_;
  std::ifstream file_;
  LogMetadata metadata_;
  std::uint16_t minor_ = 0;
  Ending ending_;
  std::uint64_t size_ = 0;
  std::uint64_t begin_ = 0;  // of the records
  std::uint64_t count_ = 0;
  std::uint64_t position_ = 0;
  bool in_text_ = false;  // the next piece must follow
  HashStream hash_;       // of what was read
  std::optional<Record> end_;
};

struct LogFile {
  LogMetadata metadata;
  std::vector<Record> records;
};
// Throws FileError.
[[nodiscard]] LogFile read_log_file(const std::string& path, Ending ending = Ending::required);

// Whether this version knows a kind of record.
[[nodiscard]] bool known_kind(Kind kind);

}  // namespace ringside::trace
