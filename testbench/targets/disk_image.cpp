#include "testbench/targets/disk_image.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
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
constexpr std::size_t kHashedBytes = 64u << 10;  // a piece of zeroes of that size counts for nothing

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

struct Extent {
  std::uint64_t start;
  std::uint64_t end;
};

// The next stretch at or after `position` that may hold anything but zeroes. A file system without holes has one.
std::optional<Extent> next_data(int fd, std::uint64_t position, std::uint64_t bytes) {
  const off_t data = ::lseek(fd, static_cast<off_t>(position), SEEK_DATA);
  if (position >= bytes || (data < 0 && errno == ENXIO)) {
    return std::nullopt;
  }
  const std::uint64_t start = data < 0 ? position : static_cast<std::uint64_t>(data);
  const off_t hole = ::lseek(fd, static_cast<off_t>(start), SEEK_HOLE);
  return Extent{start, hole < 0 ? bytes : std::min(bytes, static_cast<std::uint64_t>(hole))};
}

// Data only: a hole of the image stays one of the copy.
void copy_sparse(int from, int to, std::uint64_t bytes) {
  if (::ftruncate(to, static_cast<off_t>(bytes)) != 0) {
    throw std::system_error(errno, std::generic_category(), "sizing a private copy");
  }
  for (auto data = next_data(from, 0, bytes); data; data = next_data(from, data->end, bytes)) {
    copy_range(from, to, data->start, data->end);
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

void generate_range(int fd, std::uint64_t seed, std::uint64_t start, std::uint64_t end) {
  while (start < end) {
    const std::uint64_t size = std::min<std::uint64_t>(kChunk, end - start);
    const auto words = generated_words(seed, start / sizeof(std::uint64_t), size / sizeof(std::uint64_t));
    write_all(fd, {reinterpret_cast<const std::uint8_t*>(words.data()), size}, start);
    start += size;
  }
}

Descriptor zeroes_in_memory(std::uint64_t bytes) {
  constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 60;
  if (bytes == 0 || bytes % block::kSectorSize != 0 || bytes > kMostBytes) {
    throw InputError(fmt::format("a disk of {} bytes: a multiple of {}, at most {}, was expected", bytes,
                                 block::kSectorSize, kMostBytes));
  }
  Descriptor file = memory_file();
  if (::ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) {
    throw LackingError(fmt::format("no memory file of {} bytes for a disk: {}", bytes, error_text(errno)));
  }
  return file;
}

// "4096", "16M", "1T". Nothing when it is no such text, or more than 64 bits hold.
std::optional<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::string_view kUnits = "KMGTP";
  unsigned shift = 0;
  if (!text.empty() && kUnits.find(text.back()) != std::string_view::npos) {
    shift = 10 * static_cast<unsigned>(kUnits.find(text.back()) + 1);
    text.remove_suffix(1);
  }
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > ~std::uint64_t{0} >> shift) {
    return std::nullopt;
  }
  return value << shift;
}

bool is_zero(std::span<const std::uint8_t> bytes) {
  return bytes[0] == 0 && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

}  // namespace

DiskImage DiskImage::generated(std::uint64_t bytes, std::uint64_t seed) {
  constexpr std::uint64_t kTailBytes = 1u << 20;
  Descriptor file = zeroes_in_memory(bytes);
  try {
    const std::uint64_t head = std::min(bytes, kGeneratedDiskBytes);
    generate_range(file.get(), seed, 0, head);
    generate_range(file.get(), seed, std::max(head, bytes - std::min(bytes, kTailBytes)), bytes);
  } catch (const std::system_error& error) {
    throw LackingError(fmt::format("no room in memory for a generated disk of {} bytes: {}", bytes, error.what()));
  }
  return DiskImage(std::move(file));
}

DiskImage DiskImage::in_memory(std::uint64_t bytes, std::uint64_t seed) {
  return DiskImage(take_memory_disk(bytes, seed, [](std::uint64_t size, std::uint64_t number) {
    const DiskImage file = generated(size, number);
    std::vector<std::uint8_t> contents(size);
    read_all(file.fd(), contents, 0);
    return contents;
  }));
}

DiskImage DiskImage::named(const std::string& name, bool write_through) {
  constexpr std::string_view kSparse = "sparse:";
  if (!name.starts_with(kSparse)) {
    return write_through ? DiskImage::write_through(name) : copy_of(name);
  }
  const std::optional<std::uint64_t> bytes = parse_size(std::string_view(name).substr(kSparse.size()));
  if (!bytes) {
    throw InputError(fmt::format("disk \"{}\": expected sparse:SIZE, as in sparse:64M or sparse:1T", name));
  }
  if (write_through) {
    throw InputError(fmt::format("disk \"{}\": is in memory; expected the path of an image to write through to", name));
  }
  return DiskImage(zeroes_in_memory(*bytes));
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
  if (memory_) {
    return memory_->bytes().size();
  }
  struct stat status {};
  if (::fstat(file_.get(), &status) != 0) {
    throw std::system_error(errno, std::generic_category(), "sizing a disk image");
  }
  return static_cast<std::uint64_t>(status.st_size);
}

std::uint64_t DiskImage::hash() const {
  trace::HashStream hash;
  const std::uint64_t size = bytes();
  hash.add(&size, sizeof size);
  const auto add_piece = [&hash](std::uint64_t offset, std::span<const std::uint8_t> piece) {
    if (!is_zero(piece)) {
      hash.add(&offset, sizeof offset);
      hash.add(piece.data(), piece.size());
    }
  };
  if (memory_) {
    for (std::uint64_t offset = 0; offset < size; offset += kHashedBytes) {
      add_piece(offset, memory_->bytes().subspan(offset, std::min<std::uint64_t>(kHashedBytes, size - offset)));
    }
    return hash.end();
  }
  std::vector<std::uint8_t> buffer(kHashedBytes);
  std::uint64_t offset = 0;
  for (auto data = next_data(fd(), 0, size); data; data = next_data(fd(), std::max(offset, data->end), size)) {
    // In the same pieces wherever holes begin and end.
    offset = std::max(offset, data->start / kHashedBytes * kHashedBytes);
    for (; offset < data->end; offset += kHashedBytes) {
      const std::span<std::uint8_t> piece(buffer.data(), std::min<std::uint64_t>(kHashedBytes, size - offset));
      read_all(fd(), piece, offset);
      add_piece(offset, piece);
    }
  }
  return hash.end();
}

}  // namespace ringside::targets
