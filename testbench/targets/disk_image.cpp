#include "testbench/targets/disk_image.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "driver/block/block_device.h"
#include "testbench/scenarios/context.h"
#include "testbench/targets/descriptor.h"
#include "testbench/targets/target.h"
#include "testbench/trace/hash.h"

namespace ringside::targets {
namespace {

constexpr std::size_t kChunk = 1u << 20;

std::string error_text(int error) { return std::generic_category().message(error); }

[[noreturn]] void refuse_image(const std::string& path, const std::string& problem) {
  throw InputError(fmt::format("{}: {}; expected a raw disk image, a file of a multiple of {} bytes", path, problem,
                               block::kSectorSize));
}

struct OpenImage {
  Descriptor file;
  std::uint64_t bytes;
};

OpenImage open_image(const std::string& path, int flags, int lock) {
  // O_NONBLOCK: a FIFO of that name must not block us before we can say that it is none of ours.
  Descriptor file(::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK));
  if (!file.valid()) {
    refuse_image(path, fmt::format("cannot be opened: {}", error_text(errno)));
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) {
    refuse_image(path, error_text(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    refuse_image(path, S_ISDIR(status.st_mode) ? "is a directory" : "is no regular file");
  }
  const auto bytes = static_cast<std::uint64_t>(status.st_size);
  if (bytes == 0) {
    refuse_image(path, "is empty");
  }
  if (bytes % block::kSectorSize != 0) {
    refuse_image(path, fmt::format("has {} bytes", bytes));
  }
  if (::flock(file.get(), lock | LOCK_NB) != 0) {
    throw InputError(
        fmt::format("{}: is locked by another process that writes to it; expected an image not in use", path));
  }
  return {std::move(file), bytes};
}

// Reads or writes all of it, or throws.
template <class Transfer, class Byte>
void transfer_all(Transfer transfer, int fd, std::span<Byte> data, std::uint64_t offset, const char* what) {
  while (!data.empty()) {
    const ssize_t done = transfer(fd, data.data(), data.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) {
      continue;
    }
    if (done <= 0) {
      throw std::system_error(done < 0 ? errno : EIO, std::generic_category(), what);
    }
    data = data.subspan(static_cast<std::size_t>(done));
    offset += static_cast<std::uint64_t>(done);
  }
}

void read_all(int fd, std::span<std::uint8_t> data, std::uint64_t offset) {
  transfer_all(::pread, fd, data, offset, "reading a disk image");
}

void write_all(int fd, std::span<const std::uint8_t> data, std::uint64_t offset) {
  transfer_all(::pwrite, fd, data, offset, "writing a disk image");
}

void copy_by_hand(int from, int to, std::uint64_t start, std::uint64_t end) {
  std::vector<std::uint8_t> buffer(kChunk);
  while (start < end) {
    const std::span<std::uint8_t> piece(buffer.data(), std::min<std::uint64_t>(kChunk, end - start));
    read_all(from, piece, start);
    write_all(to, piece, start);
    start += piece.size();
  }
}

void copy_range(int from, int to, std::uint64_t start, std::uint64_t end) {
  auto in = static_cast<off_t>(start);
  auto out = in;
  while (static_cast<std::uint64_t>(in) < end) {
    const ssize_t done = ::copy_file_range(from, &in, to, &out, end - static_cast<std::uint64_t>(in), 0);
    if (done <= 0) {  // not between these file systems, or not on this kernel
      copy_by_hand(from, to, static_cast<std::uint64_t>(in), end);
      return;
    }
  }
}

// Data only: a hole of the image stays one of the copy.
void copy_sparse(int from, int to, std::uint64_t bytes) {
  if (::ftruncate(to, static_cast<off_t>(bytes)) != 0) {
    throw std::system_error(errno, std::generic_category(), "sizing a private copy");
  }
  std::uint64_t position = 0;
  while (position < bytes) {
    const off_t data = ::lseek(from, static_cast<off_t>(position), SEEK_DATA);
    if (data < 0 && errno == ENXIO) {
      return;  // nothing but a hole up to the end
    }
    const std::uint64_t start = data < 0 ? position : static_cast<std::uint64_t>(data);
    const off_t hole = ::lseek(from, static_cast<off_t>(start), SEEK_HOLE);
    const std::uint64_t end = hole < 0 ? bytes : std::min(bytes, static_cast<std::uint64_t>(hole));
    copy_range(from, to, start, end);
    position = end;
  }
}

Descriptor memory_file() {
  Descriptor file(::memfd_create("ringside-disk", MFD_CLOEXEC));
  if (!file.valid()) {
    throw LackingError(fmt::format("no memory file for a disk: {}", error_text(errno)));
  }
  return file;
}

// Whether a discard has an effect there: one on the copy must read back as zeroes, whatever file system holds it.
bool can_discard(int fd) {
  return ::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, block::kSectorSize) == 0;
}

std::vector<std::string> places_for_copies() {
  std::vector<std::string> places{"/var/tmp", "/tmp"};
  if (const char* chosen = std::getenv("TMPDIR"); chosen != nullptr && *chosen != '\0') {
    places.insert(places.begin(), chosen);
  }
  return places;
}

// splitmix64 mixes one counter value into one word without collisions, so no two words of a disk are equal.
std::vector<std::uint64_t> generated_words(std::uint64_t seed, std::uint64_t first_word, std::size_t count) {
  constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15u;  // scenarios::Random's
  scenarios::Random random(seed + first_word * kStep);
  std::vector<std::uint64_t> words(count);
  std::ranges::generate(words, [&random] { return random.next(); });
  return words;
}

}  // namespace

DiskImage DiskImage::generated(std::uint64_t bytes, std::uint64_t seed) {
  if (bytes == 0 || bytes % block::kSectorSize != 0) {
    throw InputError(
        fmt::format("a generated disk of {} bytes: a multiple of {} bytes was expected", bytes, block::kSectorSize));
  }
  Descriptor file = memory_file();
  try {
    for (std::uint64_t offset = 0; offset < bytes; offset += kChunk) {
      const std::uint64_t size = std::min<std::uint64_t>(kChunk, bytes - offset);
      const auto words = generated_words(seed, offset / sizeof(std::uint64_t), size / sizeof(std::uint64_t));
      write_all(file.get(), {reinterpret_cast<const std::uint8_t*>(words.data()), size}, offset);
    }
  } catch (const std::system_error& error) {
    throw LackingError(fmt::format("no room in memory for a generated disk of {} bytes: {}", bytes, error.what()));
  }
  return DiskImage(std::move(file));
}

DiskImage DiskImage::copy_of(const std::string& path) {
  const OpenImage image = open_image(path, O_RDONLY, LOCK_SH);
  std::string problem;
  for (const std::string& place : places_for_copies()) {
    Descriptor copy(::open(place.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (!copy.valid() || !can_discard(copy.get())) {
      continue;
    }
    try {
      copy_sparse(image.file.get(), copy.get(), image.bytes);
      return DiskImage(std::move(copy));
    } catch (const std::system_error& error) {  // full, most likely: the next place may have room
      problem = fmt::format("{}: {}", place, error.what());
    }
  }
  try {
    Descriptor copy = memory_file();
    copy_sparse(image.file.get(), copy.get(), image.bytes);
    return DiskImage(std::move(copy));
  } catch (const std::system_error& error) {
    throw LackingError(
        fmt::format("{}: no room for a private copy of {} bytes ({}; memory: {}); set TMPDIR to a "
                    "directory that has it",
                    path, image.bytes, problem, error.what()));
  }
}

DiskImage DiskImage::write_through(const std::string& path) {
  OpenImage image = open_image(path, O_RDWR, LOCK_EX);
  return DiskImage(std::move(image.file));
}

std::uint64_t DiskImage::bytes() const {
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) {
    throw std::system_error(errno, std::generic_category(), "sizing a disk image");
  }
  return static_cast<std::uint64_t>(status.st_size);
}

std::uint64_t DiskImage::hash() const {
  std::vector<std::uint8_t> buffer(kChunk);
  trace::HashStream hash;
  const std::uint64_t size = bytes();
  for (std::uint64_t offset = 0; offset < size; offset += kChunk) {
    const std::span<std::uint8_t> piece(buffer.data(), std::min<std::uint64_t>(kChunk, size - offset));
    read_all(fd(), piece, offset);
    hash.add(piece.data(), piece.size());
  }
  return hash.end();
}

}  // namespace ringside::targets
