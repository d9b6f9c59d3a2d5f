#include "testbench/targets/guest_crash.h"

#include <fmt/core.h>

#include <cstring>
#include <optional>

namespace ringside::targets {
namespace {

constexpr std::size_t kMostCalls = 4096;  // a stack that overflowed is shown to its beginning
constexpr std::size_t kMostLines = 32;

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

// Of the function that was compiled, not of those that were inlined into it.
std::string function_text(const std::vector<SourcePlace>& places, std::uint64_t address) {
  return places.empty() ? fmt::format("{:#x}", address) : place_text(places.back());
}

// The same call again and again is one line.
class CallList {
 public:
  void add(const std::string& line) {
    if (!lines_.empty() && lines_.back().text == line) {
      ++lines_.back().repeats;
    } else if (lines_.size() < kMostLines) {
      lines_.push_back({line, 0});
    } else {
      cut_ = true;
    }
  }
  [[nodiscard]] std::string text() const {
    std::string text;
    for (const Line& line : lines_) {
      text += "\n  at " + line.text + (line.repeats == 0 ? "" : fmt::format(" [and {} more calls]", line.repeats));
    }
    return text + (cut_ ? "\n  and further up" : "");
  }

 private:
  struct Line {
    std::string text;
    unsigned repeats = 0;
  };
  std::vector<Line> lines_;
  bool cut_ = false;
};

std::string calls_text(const std::vector<std::uint64_t>& chain, const GuestSymbols& symbols) {
  CallList calls;
  for (const std::uint64_t address : chain) {
    const std::vector<SourcePlace> places = symbols.places_of(address);
    if (places.empty()) {
      calls.add(fmt::format("{:#x}", address));
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
  const std::string where = function_text(symbols.places_of(registers.rip), registers.rip);
  return fmt::format("{}, in {}{}{}", what, where, calls_text(call_chain(ram, registers), symbols),
                     registers_text(registers));
}

}  // namespace ringside::targets
