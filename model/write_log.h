// Tells what is done to a disk, in order, to somebody who wants to know what a loss of power would have left of it.
#pragma once

#include "model/storage.h"

namespace ringside::model {

enum class WriteKind : std::uint8_t { write, zeroes, discard, flush };

struct WriteLogEntry {
  WriteKind kind;
  bool done;             // false: a media error
  std::uint64_t offset;  // bytes
  std::uint64_t size;
  const std::uint8_t* data;  // of a write; until the call returns
};

class WriteLogSink {
 public:
  virtual void entry(const WriteLogEntry& entry) = 0;

 protected:
  ~WriteLogSink() = default;
};

class WriteLog final : public Storage {
 public:
  WriteLog(Storage& disk, WriteLogSink& sink) : disk_(disk), sink_(sink) {}

  [[nodiscard]] bool read(std::uint64_t offset, void* data, std::uint64_t size) override {
    return disk_.read(offset, data, size);
  }
  [[nodiscard]] bool write(std::uint64_t offset, const void* data, std::uint64_t size) override {
    return tell(disk_.write(offset, data, size), WriteKind::write, offset, size,
                static_cast<const std::uint8_t*>(data));
  }
  [[nodiscard]] bool write_zeroes(std::uint64_t offset, std::uint64_t size) override {
    return tell(disk_.write_zeroes(offset, size), WriteKind::zeroes, offset, size, nullptr);
  }
  [[nodiscard]] bool discard(std::uint64_t offset, std::uint64_t size) override {
    return tell(disk_.discard(offset, size), WriteKind::discard, offset, size, nullptr);
  }
  [[nodiscard]] bool flush() override { return tell(disk_.flush(), WriteKind::flush, 0, 0, nullptr); }

 private:
  bool tell(bool done, WriteKind kind, std::uint64_t offset, std::uint64_t size, const std::uint8_t* data) {
    sink_.entry({kind, done, offset, size, data});
    return done;
  }

  Storage& disk_;
  WriteLogSink& sink_;
};

}  // namespace ringside::model
