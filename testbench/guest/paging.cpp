#include "testbench/guest/paging.h"

#include <cstddef>
#include <cstdint>

#include "testbench/guest/cpu.h"
#include "testbench/guest/mailbox.h"
#include "testbench/guest/stacks.h"
#include "testbench/targets/machine_windows.h"

namespace ringside::guest {
namespace {

extern "C" {
extern const std::uint8_t text_begin[];
extern const std::uint8_t text_end[];
extern const std::uint8_t rodata_end[];
}

// Intel SDM, volume 3, 4.5.4.
constexpr std::uint64_t kPresent = 1;
constexpr std::uint64_t kWritable = 2;
constexpr std::uint64_t kLarge = 0x80;
constexpr std::uint64_t kNotExecutable = std::uint64_t{1} << 63;

constexpr std::size_t kEntries = 512;
constexpr std::uint64_t kLargePage = kPage * kEntries;
constexpr std::uint64_t kGigabyte = kLargePage * kEntries;

struct alignas(kPage) Table {
  std::uint64_t entries[kEntries];
};

// By small pages up to the mailbox: the image with its stacks, and the page that no pointer points to.
constexpr std::size_t kFineTables = kMailboxBase / kLargePage;
constexpr std::size_t kLowDirectories = 4;
constexpr std::size_t kHighDirectories = targets::kHighWindow.size / kGigabyte;
static_assert(targets::kHighWindow.base % kGigabyte == 0 && targets::kHighWindow.size % kGigabyte == 0);

Table g_root;
Table g_pointers;
Table g_directories[kLowDirectories + kHighDirectories];
Table g_fine[kFineTables];

std::uint64_t entry_for(const Table& table) { return reinterpret_cast<std::uint64_t>(&table) | kPresent | kWritable; }

std::uint64_t address_of(const std::uint8_t* symbol) { return reinterpret_cast<std::uint64_t>(symbol); }

// Switched on first; 0 on a CPU without it, where the bit would fault.
std::uint64_t not_executable() {
  constexpr std::uint32_t kExtendedFeatures = 0x8000'0001;
  constexpr std::uint32_t kHasIt = 1u << 20;
  constexpr std::uint32_t MSR_EFER = 0xc000'0080;
  constexpr std::uint64_t EFER_NXE = 1u << 11;
  std::uint32_t a = kExtendedFeatures;
  std::uint32_t b;
  std::uint32_t c;
  std::uint32_t d;
  asm volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
  if ((d & kHasIt) == 0) {
    return 0;
  }
  write_msr(MSR_EFER, read_msr(MSR_EFER) | EFER_NXE);
  return kNotExecutable;
}

std::uint64_t fine_entry(std::uint64_t address, std::uint64_t data) {
  if (address == 0 || in_stack_guard(address)) {
    return 0;
  }
  if (address >= address_of(text_begin) && address < address_of(text_end)) {
    return address | kPresent;
  }
  if (address >= address_of(text_end) && address < address_of(rodata_end)) {
    return address | kPresent | (data & kNotExecutable);
  }
  return address | data;
}

void fill_directory(Table& directory, std::uint64_t base, std::uint64_t data) {
  for (std::size_t i = 0; i < kEntries; ++i) {
    directory.entries[i] = (base + i * kLargePage) | kLarge | data;
  }
}

}  // namespace

void map_memory() {
  const std::uint64_t data = kPresent | kWritable | not_executable();
  for (std::size_t i = 0; i < kLowDirectories; ++i) {
    fill_directory(g_directories[i], i * kGigabyte, data);
    g_pointers.entries[i] = entry_for(g_directories[i]);
  }
  for (std::size_t i = 0; i < kHighDirectories; ++i) {
    const std::uint64_t base = targets::kHighWindow.base + i * kGigabyte;
    Table& directory = g_directories[kLowDirectories + i];
    fill_directory(directory, base, data);
    g_pointers.entries[base / kGigabyte] = entry_for(directory);
  }
  for (std::size_t i = 0; i < kFineTables; ++i) {
    for (std::size_t page = 0; page < kEntries; ++page) {
      g_fine[i].entries[page] = fine_entry(i * kLargePage + page * kPage, data);
    }
    g_directories[0].entries[i] = entry_for(g_fine[i]);
  }
  g_root.entries[0] = entry_for(g_pointers);
  asm volatile("mov %0, %%cr3" : : "r"(&g_root) : "memory");
}

}  // namespace ringside::guest
