#include "testbench/targets/guest_crash.h"

#include <fmt/format.h>

#include <cstring>
#include <optional>

namespace ringside::targets {
namespace {

constexpr std::size_t kMostCalls = 24;

// Of a frame: the caller's frame pointer, and behind it the address to return to.
struct Frame {
  std::uint64_t caller = 0;
  std::uint64_t address = 0;
};

std::optional<Frame> frame_at(std::span<const std::uint8_t> ram, std::uint64_t pointer) {
  if (pointer == 0 || pointer % sizeof(std::uint64_t) != 0 || pointer > ram.size() - sizeof(Frame)) {
    return std::nullopt;
  }
  Frame frame;
  std::memcpy(&frame, ram.data() + pointer, sizeof frame);
  return frame;
}

std::string place_text(const SourcePlace& place) {
  return place.file.empty() ? place.function : fmt::format("{} ({}:{})", place.function, place.file, place.line);
}

// The same call again and again is one line.
class CallList {
 public:
  void add(const std::string& line) {
    if (line == last_) {
      ++repeats_;
      return;
    }
    flush();
    last_ = line;
  }
  [[nodiscard]] std::string text() {
    flush();
    last_.clear();
    return text_;
  }

 private:
  void flush() {
    if (!last_.empty()) {
      text_ += "\n  at " + last_ + (repeats_ == 0 ? "" : fmt::format(" [and {} more calls]", repeats_));
    }
    repeats_ = 0;
  }

  std::string text_;
  std::string last_;
  unsigned repeats_ = 0;
};

std::string calls_text(std::span<const std::uint64_t> chain, const GuestSymbols& symbols) {
  CallList calls;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const std::vector<SourcePlace> places = symbols.places_of(chain[i]);
    if (places.empty()) {
      calls.add(fmt::format("{:#x}", chain[i]));
    }
    for (const SourcePlace& place : places) {
      calls.add(place_text(place));
    }
  }
  return calls.text();
}

std::string registers_text(const guest::Registers& r) {
  return fmt::format(
      "\n  rip {:016x}  rsp {:016x}  rbp {:016x}  rflags {:08x}"
      "\n  rax {:016x}  rbx {:016x}  rcx {:016x}  rdx {:016x}"
      "\n  rsi {:016x}  rdi {:016x}  r8  {:016x}  r9  {:016x}"
      "\n  r10 {:016x}  r11 {:016x}  r12 {:016x}  r13 {:016x}"
      "\n  r14 {:016x}  r15 {:016x}  cr2 {:016x}  cr3 {:016x}",
      r.rip, r.rsp, r.rbp, r.rflags, r.rax, r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.r8, r.r9, r.r10, r.r11, r.r12, r.r13,
      r.r14, r.r15, r.cr2, r.cr3);
}

}  // namespace

// A stack grows down: a caller's frame lies above its callee's, or the chain is broken.
std::vector<std::uint64_t> call_chain(std::span<const std::uint8_t> ram, const guest::Registers& registers) {
  std::vector<std::uint64_t> chain{registers.rip};
  std::uint64_t pointer = registers.rbp;
  while (chain.size() < kMostCalls) {
    const auto frame = frame_at(ram, pointer);
    if (!frame || frame->address == 0) {
      break;
    }
    // In the call, not behind it: the next instruction may belong to another line, or to another function.
    chain.push_back(frame->address - 1);
    if (frame->caller <= pointer) {
      break;
    }
    pointer = frame->caller;
  }
  return chain;
}

std::string crash_report(const std::string& what, std::span<const std::uint8_t> ram, const guest::Registers& registers,
                         const GuestSymbols& symbols) {
  const std::vector<std::uint64_t> chain = call_chain(ram, registers);
  const std::vector<SourcePlace> places = symbols.places_of(registers.rip);
  const std::string where = places.empty() ? fmt::format("{:#x}", registers.rip) : place_text(places.front());
  return fmt::format("{}, in {}{}{}", what, where, calls_text(chain, symbols), registers_text(registers));
}

}  // namespace ringside::targets
