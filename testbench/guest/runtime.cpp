// What compiled C++ and its library call unasked: the heap's operators, and the ends of what cannot go on. Exceptions
// do not exist here, so that the library's throws are panics.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include "testbench/guest/crash.h"
#include "testbench/guest/heap.h"

using ringside::guest::give_back_memory;
using ringside::guest::panic;
using ringside::guest::take_memory;

void* operator new(std::size_t bytes) { return take_memory(bytes); }
void* operator new[](std::size_t bytes) { return take_memory(bytes); }
void operator delete(void* memory) noexcept { give_back_memory(memory); }
void operator delete[](void* memory) noexcept { give_back_memory(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back_memory(memory); }
void operator delete[](void* memory, std::size_t) noexcept { give_back_memory(memory); }

extern "C" {

// The hash library's, and the arena's.
void* malloc(std::size_t bytes) { return take_memory(bytes); }
void* calloc(std::size_t count, std::size_t size) {
  if (size != 0 && count > SIZE_MAX / size) {
    return nullptr;
  }
  return __builtin_memset(take_memory(count * size), 0, count * size);
}
void free(void* memory) { give_back_memory(memory); }

void abort() { panic("abort"); }

// The compiler's and the library's own names. NOLINTBEGIN(bugprone-reserved-identifier)
[[noreturn]] void __cxa_pure_virtual() { panic("a pure virtual function was called"); }
// Globals live until power-off.
int __cxa_atexit(void (*)(void*), void*, void*) { return 0; }
void* __dso_handle = nullptr;
}

namespace std {

void __glibcxx_assert_fail(const char*, int, const char*, const char* condition) noexcept { panic(condition); }
void __throw_bad_alloc() { panic("std::bad_alloc"); }
void __throw_bad_array_new_length() { panic("std::bad_array_new_length"); }
void __throw_bad_function_call() { panic("std::bad_function_call"); }
void __throw_length_error(const char* what) { panic(what); }
void __throw_logic_error(const char* what) { panic(what); }
void __throw_invalid_argument(const char* what) { panic(what); }
void __throw_out_of_range(const char* what) { panic(what); }
void __throw_out_of_range_fmt(const char* what, ...) { panic(what); }

}  // namespace std
// NOLINTEND(bugprone-reserved-identifier)
