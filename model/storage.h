// Where a disk keeps its bytes. Offsets and sizes are bytes and lie inside the disk: the device has checked them.
#pragma once

#include <cstdint>

namespace ringside::model {

class Storage {
 public:
  // False is a media error.
  [[nodiscard]] virtual bool read(std::uint64_t offset, void* data, std::uint64_t size) = 0;
  [[nodiscard]] virtual bool write(std::uint64_t offset, const void* data, std::uint64_t size) = 0;
  [[nodiscard]] virtual bool write_zeroes(std::uint64_t offset, std::uint64_t size) = 0;
  // The contents are given up; what is read there afterwards is zeroes.
  [[nodiscard]] virtual bool discard(std::uint64_t offset, std::uint64_t size) { return write_zeroes(offset, size); }
  // Everything written before is on stable media when it returns true.
  [[nodiscard]] virtual bool flush() = 0;

 protected:
  ~Storage() = default;
};

// The caller's memory: no copy, so that the caller sees what is on the disk.
class RamStorage final : public Storage {
 public:
  explicit RamStorage(void* memory) : memory_(static_cast<std::uint8_t*>(memory)) {}
  [[nodiscard]] bool read(std::uint64_t offset, void* data, std::uint64_t size) override;
  [[nodiscard]] bool write(std::uint64_t offset, const void* data, std::uint64_t size) override;
  [[nodiscard]] bool write_zeroes(std::uint64_t offset, std::uint64_t size) override;
  [[nodiscard]] bool flush() override { return true; }

 private:
  std::uint8_t* memory_;
};

// A raw image behind a file descriptor, which the caller keeps open.
class FileStorage final : public Storage {
 public:
  explicit FileStorage(int fd) : fd_(fd) {}
  [[nodiscard]] bool read(std::uint64_t offset, void* data, std::uint64_t size) override;
  [[nodiscard]] bool write(std::uint64_t offset, const void* data, std::uint64_t size) override;
  [[nodiscard]] bool write_zeroes(std::uint64_t offset, std::uint64_t size) override;
  [[nodiscard]] bool flush() override;

 private:
  int fd_;
};

}  // namespace ringside::model
