#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "testbench/fuzz/entries.h"
#include "testbench/trace/log_file.h"

namespace ringside::fuzz {
namespace {

// A file without a name in any directory; the path is one that this process can open.
class MemoryFile {
 public:
  explicit MemoryFile(Input bytes) : fd_(::memfd_create("ringside-fuzz", MFD_CLOEXEC)) {
    if (fd_ < 0 || ::write(fd_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
      std::abort();
    }
  }
  ~MemoryFile() { ::close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

void read(const std::string& path, trace::Ending ending) {
  try {
    static_cast<void>(trace::read_log_file(path, ending));
  } catch (const trace::FileError& refusal) {
    require_one_line(refusal.what(), path);
  }
}

// A whole file with these records.
std::string log_of(const std::string& records, bool closed) {
  const MemoryFile file({});
  trace::LogMetadata metadata;
  metadata.scenario = "flush";
  metadata.target = "model";
  metadata.settings = {{"latency.model", "nvme"}};
  {
    trace::LogFileWriter writer(file.path(), metadata);
    for (std::size_t at = 0; at + sizeof(trace::Record) <= records.size(); at += sizeof(trace::Record)) {
      trace::Record record;
      records.copy(reinterpret_cast<char*>(&record), sizeof record, at);
      writer.append(record);
    }
    if (closed) {
      writer.close();
    }
  }
  std::ifstream written(file.path(), std::ios::binary);
  return {std::istreambuf_iterator<char>(written), std::istreambuf_iterator<char>()};
}

}  // namespace

void run_log(Input input) {
  const MemoryFile file(input);
  read(file.path(), trace::Ending::required);
  read(file.path(), trace::Ending::optional);
}

std::vector<std::string> log_seeds(const std::string&) {
  return {log_of("", true), log_of(sample_records(), true), log_of(sample_records(), false)};
}

}  // namespace ringside::fuzz
