#include "testbench/targets/guest_image.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#ifdef RINGSIDE_GUEST_DIRECTORY
// The build names the directory; the files become read-only data of this program.
#define EMBED(name, file)                                              \
  asm(".pushsection .rodata\n"                                         \
      ".balign 16\n" #name                                             \
      "_begin:\n"                                                      \
      ".incbin \"" RINGSIDE_GUEST_DIRECTORY "/" file "\"\n" #name      \
      "_end:\n"                                                        \
      ".popsection\n");                                                \
  extern "C" {                                                         \
  [[gnu::visibility("hidden")]] extern const std::byte name##_begin[]; \
  [[gnu::visibility("hidden")]] extern const std::byte name##_end[];   \
  }

EMBED(ringside_guest_elf, "guest.elf")
EMBED(ringside_guest_rom, "guest.rom")
EMBED(ringside_guest_kernel, "guest32.elf")
#endif

namespace ringside::targets {

GuestImage guest_image() {
#ifdef RINGSIDE_GUEST_DIRECTORY
  return {{ringside_guest_elf_begin, ringside_guest_elf_end},
          {ringside_guest_rom_begin, ringside_guest_rom_end},
          {ringside_guest_kernel_begin, ringside_guest_kernel_end}};
#else
  return {};
#endif
}

Descriptor memory_file_of(ImageBytes bytes, const char* name) {
  Descriptor file(::memfd_create(name, MFD_CLOEXEC));
  std::size_t written = 0;
  while (file.valid() && written < bytes.size()) {
    const ssize_t size = ::write(file.get(), bytes.data() + written, bytes.size() - written);
    if (size <= 0) {
      break;
    }
    written += static_cast<std::size_t>(size);
  }
  if (!file.valid() || written != bytes.size()) {
    throw std::system_error(errno, std::generic_category(), "a memory file for the guest's image");
  }
  return file;
}

}  // namespace ringside::targets
