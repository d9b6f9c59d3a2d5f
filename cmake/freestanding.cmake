# Driver and scenarios are freestanding: no heap, no exceptions, no RTTI, no libc beyond memcpy and its like.
# Hosted builds keep the unwind tables, so that the bench can end a run by an exception that passes through
# driver frames; the driver owns nothing that would leak by it.
set(RINGSIDE_FREESTANDING_FLAGS
    -ffreestanding -fno-exceptions -fno-rtti -fasynchronous-unwind-tables -fno-threadsafe-statics)

# ringside_freestanding_library(NAME SOURCES...): a static library, and a check in the build that its objects,
# compiled once more without sanitizers, need no symbol but each other's and memcpy, memmove, memset, memcmp.
function(ringside_freestanding_library name)
  add_library(${name} STATIC ${ARGN})
  target_compile_options(${name} PRIVATE ${RINGSIDE_FREESTANDING_FLAGS})
  target_link_libraries(${name} PUBLIC ringside_warnings)
endfunction()
