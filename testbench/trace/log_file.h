// The canonical log as a file (.rlog): a header, JSON metadata that says what was run, and the records as they are.
//
//   0   8  "RINGSLOG"
//   8   2  schema major      10  2  schema minor
//   12  4  0x01020304, in the byte order of the records
//   16  4  size of a record  20  4  length of the metadata
//   24  n  metadata, padded with spaces to a multiple of 64 from the start of the file
//   ... records to the end of the file
#pragma once

#include <cstdint>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "testbench/trace/file_error.h"
#include "testbench/trace/record.h"

namespace ringside::trace {

struct LogMetadata {
  std::string scenario;
  std::string target;    // as on the command line: "qemu,binary=/usr/bin/qemu-system-x86_64"
  std::string identity;  // binary, version and machine, as the target found them
  std::string machine;
  std::uint64_t seed = 0;
  std::map<std::string, std::string> settings;
  std::string ringside_version;  // the writer fills it in when it is empty
};

// The file is complete when close() has returned. Buffered; whole records reach the file, so that the log of a run
// that was killed can still be read up to there.
class LogFileWriter final : public Sink {
 public:
  // Throws FileError when the file cannot be written.
  LogFileWriter(const std::string& path, const LogMetadata& metadata);
  ~LogFileWriter();
  LogFileWriter(const LogFileWriter&) = delete;
  LogFileWriter& operator=(const LogFileWriter&) = delete;

  // Never throws: a full disk must not end the run. close() tells.
  void append(const Record& record) override;
  // Throws FileError when anything could not be written.
  void close();

 private:
  void flush();

  std::string path_;
  int fd_ = -1;
  int error_ = 0;
  std::vector<Record> buffer_;
};

// Reads one record after the other. The file is outside input: every field is checked.
class LogFileReader {
 public:
  // Throws FileError when it is no log that this version can read.
  explicit LogFileReader(const std::string& path);

  [[nodiscard]] const LogMetadata& metadata() const { return metadata_; }
  [[nodiscard]] std::uint16_t minor() const { return minor_; }
  [[nodiscard]] std::uint64_t record_count() const { return count_; }

  // False at the end. Throws FileError for a record that makes no sense; of a newer minor version, kinds that are not
  // known here are passed on as they are.
  [[nodiscard]] bool next(Record& record);

 private:
  void read_header();
  void read_metadata(std::uint32_t length);
  void check(const Record& record) const;

  std::string path_;
  std::ifstream file_;
  LogMetadata metadata_;
  std::uint16_t minor_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t position_ = 0;
};

struct LogFile {
  LogMetadata metadata;
  std::vector<Record> records;
};
// Throws FileError.
[[nodiscard]] LogFile read_log_file(const std::string& path);

// Whether this version knows a kind of record.
[[nodiscard]] bool known_kind(Kind kind);

}  // namespace ringside::trace
