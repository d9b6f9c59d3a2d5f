#include "testbench/trace/log_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>
#include <nlohmann/json.hpp>

#include "testbench/trace/names.h"
#include "testbench/trace/text.h"

namespace ringside::trace {
namespace {

constexpr std::array<char, 8> kMagic = {'R', 'I', 'N', 'G', 'S', 'L', 'O', 'G'};
constexpr std::uint32_t kByteOrder = 0x01020304;
constexpr std::size_t kBufferedRecords = 4096;
constexpr std::uint32_t kMaxMetadata = 1u << 20;
constexpr std::uint16_t kFirstMinorWithEnd = 2;
constexpr std::uint64_t kMaxRecords = std::uint64_t{1} << 28;  // 16 GiB of log

struct Header {
  std::array<char, 8> magic = kMagic;
  std::uint16_t major = kSchemaMajor;
  std::uint16_t minor = kSchemaMinor;
  std::uint32_t byte_order = kByteOrder;
  std::uint32_t record_size = sizeof(Record);
  std::uint32_t metadata_length = 0;
};
static_assert(sizeof(Header) == 24);

constexpr std::size_t padded(std::size_t size) { return (size + sizeof(Record) - 1) / sizeof(Record) * sizeof(Record); }

std::string to_json(const LogMetadata& metadata) {
  const nlohmann::json json = {
      {"scenario", metadata.scenario},
      {"target", metadata.target},
      {"identity", metadata.identity},
      {"machine", metadata.machine},
      {"seed", metadata.seed},
      {"follows", metadata.follows},
      {"settings", metadata.settings},
      {"ringside", metadata.ringside_version.empty() ? RINGSIDE_VERSION : metadata.ringside_version}};
  // A path in the metadata need not be UTF-8.
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

LogMetadata from_json(const std::string& text) {
  const nlohmann::json json = nlohmann::json::parse(text);
  LogMetadata metadata;
  metadata.scenario = json.at("scenario").get<std::string>();
  metadata.target = json.at("target").get<std::string>();
  metadata.identity = json.at("identity").get<std::string>();
  metadata.machine = json.at("machine").get<std::string>();
  metadata.seed = json.at("seed").get<std::uint64_t>();
  metadata.follows = json.value("follows", "");
  metadata.settings = json.at("settings").get<std::map<std::string, std::string>>();
  metadata.ringside_version = json.at("ringside").get<std::string>();
  return metadata;
}

// Writes all of it; returns errno, 0 when it went well.
int write_all(int fd, const void* data, std::size_t size) {
  const char* at = static_cast<const char*>(data);
  while (size != 0) {
    const ssize_t written = ::write(fd, at, size);
    if (written < 0 && errno == EINTR) {
      continue;
    }
    if (written <= 0) {
      return written == 0 ? ENOSPC : errno;
    }
    at += written;
    size -= static_cast<std::size_t>(written);
  }
  return 0;
}

}  // namespace

bool known_kind(Kind kind) { return name_of(kind) != nullptr; }

// --- Writer

LogFileWriter::LogFileWriter(const std::string& path, const LogMetadata& metadata) : path_(path) {
  buffer_.reserve(kBufferedRecords);
  std::string text = to_json(metadata);
  if (text.size() > kMaxMetadata - sizeof(Record)) {
    throw FileError(fmt::format("{}: the metadata of the run is longer than {} bytes", path, kMaxMetadata));
  }
  text.resize(padded(sizeof(Header) + text.size()) - sizeof(Header), ' ');
  Header header;
  header.metadata_length = static_cast<std::uint32_t>(text.size());

  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd_ < 0) {
    throw FileError(fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
  }
  hash_.begin();
  put(&header, sizeof header);
  put(text.data(), text.size());
}

LogFileWriter::~LogFileWriter() {
  if (fd_ >= 0) {
    flush();
    ::close(fd_);
  }
}

void LogFileWriter::append(const Record& record) {
  buffer_.push_back(record);
  ++count_;
  if (buffer_.size() == kBufferedRecords) {
    flush();
  }
}

void LogFileWriter::append_all(std::span<const Record> records) {
  if (records.size() < kBufferedRecords) {
    Sink::append_all(records);
    return;
  }
  flush();
  put(records.data(), records.size_bytes());
  count_ += records.size();
}

void LogFileWriter::close() {
  if (fd_ < 0) {
    return;
  }
  flush();
  Record end;
  end.kind = Kind::log_end;
  end.value = count_;
  end.hash = hash_.end();
  put(&end, sizeof end);
  if (::close(fd_) != 0 && error_ == 0) {
    error_ = errno;
  }
  fd_ = -1;
  if (error_ != 0) {
    throw FileError(fmt::format("{}: cannot be written: {}", path_, std::strerror(error_)));
  }
}

void LogFileWriter::flush() {
  put(buffer_.data(), buffer_.size() * sizeof(Record));
  buffer_.clear();
}

void LogFileWriter::put(const void* data, std::size_t size) {
  if (error_ == 0) {
    hash_.add(data, size);
    error_ = write_all(fd_, data, size);
  }
}

// --- Reader

LogFileReader::LogFileReader(const std::string& path, Ending ending) : path_(path), ending_(ending) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    throw FileError(fmt::format("{}: {}", path, std::strerror(errno)));
  }
  if (!S_ISREG(status.st_mode)) {
    throw FileError(fmt::format("{}: not a regular file; expected a log (.rlog)", path));
  }
  size_ = static_cast<std::uint64_t>(status.st_size);
  file_.open(path, std::ios::binary);
  if (!file_) {
    throw FileError(fmt::format("{}: {}", path, std::strerror(errno)));
  }
  read_header();
}

void LogFileReader::read_header() {
  Header header;
  if (size_ < sizeof header || !file_.read(reinterpret_cast<char*>(&header), sizeof header)) {
    throw FileError(
        fmt::format("{}: {} bytes long; expected a log, which has a header of {}", path_, size_, sizeof header));
  }
  if (header.magic != kMagic) {
    throw FileError(fmt::format("{}: byte 0: not a log; expected \"RINGSLOG\"", path_));
  }
  if (header.byte_order != kByteOrder) {
    throw FileError(fmt::format("{}: byte 12: written in another byte order ({:#010x}; expected {:#010x})", path_,
                                header.byte_order, kByteOrder));
  }
  if (header.major != kSchemaMajor) {
    throw FileError(fmt::format("{}: byte 8: schema {}.{}; this version reads {}.x", path_, header.major, header.minor,
                                kSchemaMajor));
  }
  if (header.record_size != sizeof(Record)) {
    throw FileError(
        fmt::format("{}: byte 16: records of {} bytes; expected {}", path_, header.record_size, sizeof(Record)));
  }
  minor_ = header.minor;
  hash_.begin();
  hash_.add(&header, sizeof header);
  read_metadata(header.metadata_length);

  begin_ = sizeof(Header) + header.metadata_length;
  const std::uint64_t bytes = size_ - begin_;
  if (bytes % sizeof(Record) != 0) {
    throw FileError(fmt::format("{}: ends inside record {}: cut short", path_, bytes / sizeof(Record)));
  }
  count_ = bytes / sizeof(Record);
  if (count_ > kMaxRecords) {
    throw FileError(fmt::format("{}: {} records; at most {} can be read", path_, count_, kMaxRecords));
  }
  if (minor_ >= kFirstMinorWithEnd) {
    read_end();
  }
}

// The last record first: a log that was cut is refused before anything is made of it.
void LogFileReader::read_end() {
  Record end;
  if (count_ != 0) {
    file_.seekg(static_cast<std::streamoff>(begin_ + (count_ - 1) * sizeof end));
    if (!file_.read(reinterpret_cast<char*>(&end), sizeof end)) {
      throw FileError(fmt::format("{}: record {} cannot be read", path_, count_ - 1));
    }
    file_.seekg(static_cast<std::streamoff>(begin_));
  }
  if (end.kind == Kind::log_end) {
    --count_;
    end_ = end;
    if (end.value != count_) {
      throw FileError(fmt::format("{}: has {} records and says {}: something is missing", path_, count_, end.value));
    }
  } else if (ending_ == Ending::required) {
    throw FileError(
        fmt::format("{}: ends with record {} without saying so: cut short, or its writer was killed", path_, count_));
  }
}

void LogFileReader::read_metadata(std::uint32_t length) {
  if (length > kMaxMetadata || sizeof(Header) + length > size_ || (sizeof(Header) + length) % sizeof(Record) != 0) {
    throw FileError(fmt::format("{}: byte 20: metadata of {} bytes does not fit the file", path_, length));
  }
  std::string text(length, '\0');
  if (!file_.read(text.data(), static_cast<std::streamsize>(length))) {
    throw FileError(fmt::format("{}: byte 24: the metadata cannot be read", path_));
  }
  hash_.add(text.data(), text.size());
  try {
    metadata_ = from_json(text);
  } catch (const nlohmann::json::exception& problem) {
    throw FileError(fmt::format("{}: byte 24: bad metadata: {}", path_, problem.what()));
  }
}

bool LogFileReader::next(Record& record) {
  if (position_ == count_) {
    check_end();
    return false;
  }
  if (!file_.read(reinterpret_cast<char*>(&record), sizeof record)) {
    throw FileError(fmt::format("{}: record {} cannot be read", path_, position_));
  }
  hash_.add(&record, sizeof record);
  check(record);
  ++position_;
  return true;
}

void LogFileReader::check_end() const {
  if (in_text_) {
    throw FileError(fmt::format("{}: ends inside a text: cut short", path_));
  }
  if (end_ && end_->hash != hash_.end()) {
    throw FileError(fmt::format("{}: damaged: its bytes hash to {:016x}, and were written as {:016x}", path_,
                                hash_.end(), end_->hash));
  }
}

void LogFileReader::check(const Record& record) {
  if (record.tap > Tap::bench) {
    throw FileError(
        fmt::format("{}: record {}: tap {}; expected 0 to 2", path_, position_, static_cast<unsigned>(record.tap)));
  }
  if (!known_kind(record.kind) && minor_ <= kSchemaMinor) {
    throw FileError(fmt::format("{}: record {}: kind {} does not exist in schema {}.{}", path_, position_,
                                static_cast<unsigned>(record.kind), kSchemaMajor, minor_));
  }
  if (record.kind == Kind::log_end) {
    throw FileError(fmt::format("{}: record {}: the end of a log, and more behind it", path_, position_));
  }
  check_text(record);
}

void LogFileReader::check_text(const Record& record) {
  const bool text = record.kind == Kind::text;
  if (in_text_ && !text) {
    throw FileError(fmt::format("{}: record {}: kind {} inside a text; expected its next piece", path_, position_,
                                static_cast<unsigned>(record.kind)));
  }
  if (text && record.width > kTextPayload) {
    throw FileError(fmt::format("{}: record {}: a text of {} bytes; at most {} fit", path_, position_,
                                static_cast<unsigned>(record.width), kTextPayload));
  }
  in_text_ = text && (record.flags & kTextMore) != 0;
}

LogFile read_log_file(const std::string& path, Ending ending) {
  LogFileReader reader(path, ending);
  LogFile log;
  log.metadata = reader.metadata();
  try {
    log.records.resize(reader.record_count());
  } catch (const std::bad_alloc&) {
    throw FileError(fmt::format("{}: {} records do not fit in memory", path, reader.record_count()));
  }
  for (Record& record : log.records) {
    if (!reader.next(record)) {
      break;
    }
  }
  Record none;
  static_cast<void>(reader.next(none));  // which looks at what was read
  return log;
}

}  // namespace ringside::trace
