// What an interpreter tells the bench: each check and value with the step that it is of, by its line in the file, or by
// its number when there is no file.
#pragma once

#include <cstddef>
#include <cstdint>

#include "testbench/scenarios/context.h"
#include "testbench/scenarios/program.h"

namespace ringside::scenarios {

class StepReport {
 public:
  explicit StepReport(Context& context) : context_(context) {}

  // `number` counts from 1.
  void at(const Step& step, std::uint32_t number) {
    kind_ = step.line != 0 ? "line " : "step ";
    number_ = step.line != 0 ? step.line : number;
  }
  [[nodiscard]] std::uint32_t number() const { return number_; }

  // "line 12: the buffer exists"
  bool check(bool held, const char* what) { return check_of(number_, held, what); }
  // What a program that makes sense always keeps is told only when it is not.
  bool require(bool held, const char* what) { return held || check(false, what); }
  void observe(const char* what, std::uint64_t value) { observe_of(number_, what, value); }
  // Of a step that was before.
  bool check_of(std::uint32_t number, bool held, const char* what) {
    return context_.check(held, Label(kind_, number, what).text);
  }
  void observe_of(std::uint32_t number, const char* what, std::uint64_t value) {
    context_.observe(Label(kind_, number, what).text, value);
  }

 private:
  struct Label {
    char text[96];
    std::size_t length = 0;
    Label(const char* kind, std::uint32_t number, const char* what) {
      add(kind);
      char digits[10];  // 2^32 has ten
      std::size_t count = 0;
      do {
        digits[count++] = static_cast<char>('0' + number % 10);
        number /= 10;
      } while (number != 0);
      while (count != 0) {
        put(digits[--count]);
      }
      add(": ");
      add(what);
      text[length] = '\0';
    }
    void put(char c) {
      if (length + 1 < sizeof(text)) {
        text[length++] = c;
      }
    }
    void add(const char* part) {
      while (*part != '\0') {
        put(*part++);
      }
    }
  };

  Context& context_;
  const char* kind_ = "step ";
  std::uint32_t number_ = 0;
};

}  // namespace ringside::scenarios
