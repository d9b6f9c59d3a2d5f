# Driver and scenarios are freestanding: no heap, no exceptions, no RTTI, no libc beyond memcpy and its like.
# Hosted builds keep the unwind tables, so that the bench can end a run by an exception that passes through
# driver frames; the driver owns nothing that would leak by it.
set(RINGSIDE_FREESTANDING_FLAGS
    -ffreestanding -fno-exceptions -fno-rtti -fasynchronous-unwind-tables -fno-threadsafe-statics)

# As a bare-metal guest is built. Last on the command line, so that it takes back what a sanitized or a debug build says:
# without optimisation the vtables of abstract classes stay, and they want __cxa_pure_virtual. With symbols and frame
# pointers, so that it can be told where a guest ended.
set(RINGSIDE_BARE_FLAGS
    ${RINGSIDE_FREESTANDING_FLAGS} -O2 -fno-asynchronous-unwind-tables -fno-sanitize=all -fno-stack-protector -fno-pic
    -fno-pie -mno-red-zone -fcf-protection=none -fno-omit-frame-pointer -g)

# ringside_freestanding_library(NAME SOURCES...): a static library for the bench, and NAME_bare: its objects as a
# bare-metal guest would have them.
function(ringside_freestanding_library name)
  add_library(${name} STATIC ${ARGN})
  target_compile_options(${name} PRIVATE ${RINGSIDE_FREESTANDING_FLAGS})
  target_link_libraries(${name} PUBLIC ringside_warnings)

  add_library(${name}_bare OBJECT ${ARGN})
  # Not among what clang-tidy reads: the same sources are there as the bench has them, without GCC's own options.
  set_target_properties(${name}_bare PROPERTIES POSITION_INDEPENDENT_CODE OFF EXPORT_COMPILE_COMMANDS OFF)
  target_compile_options(${name}_bare PRIVATE ${RINGSIDE_BARE_FLAGS})
  target_link_libraries(${name}_bare PRIVATE ringside_warnings)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # A guess at which override a virtual call may reach is no call: it would look like recursion where one block device
    # wraps another.
    target_compile_options(${name}_bare PRIVATE -fcallgraph-info=su -fno-devirtualize-speculatively)
    # ccache does not keep the call graphs.
    set_target_properties(${name}_bare PROPERTIES CXX_COMPILER_LAUNCHER "")
  endif()
endfunction()

# ringside_check_freestanding(NAME NEEDS...): fails the build unless the bare objects of NAME, with those of the
# libraries that it needs, lack no symbol but memcpy, memmove, memset and memcmp, which a compiler calls unasked.
function(ringside_check_freestanding name)
  set(objects)
  foreach(library IN LISTS name ARGN)
    list(APPEND objects $<TARGET_OBJECTS:${library}_bare>)
  endforeach()
  set(linked ${CMAKE_BINARY_DIR}/checks/${name}.o)
  add_custom_command(
    OUTPUT ${linked}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/checks
    COMMAND ${CMAKE_LINKER} -r -o ${linked} ${objects}
    COMMAND ${CMAKE_COMMAND} -DNM=${CMAKE_NM} -DOBJECT=${linked} -DNAME=${name} -P
            ${PROJECT_SOURCE_DIR}/cmake/check_undefined.cmake
    DEPENDS ${objects} ${PROJECT_SOURCE_DIR}/cmake/check_undefined.cmake
    COMMAND_EXPAND_LISTS VERBATIM
    COMMENT "Checking that ${name} links freestanding")
  add_custom_target(${name}_links_freestanding DEPENDS ${linked})
  add_dependencies(ringside_checks ${name}_links_freestanding)
endfunction()

# ringside_measure_freestanding(NAME): prints code size and deepest stack of NAME as a bare-metal guest has it, and fails
# the build on recursion. Only GCC writes the call graphs that this needs.
function(ringside_measure_freestanding name)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    message(STATUS "${name}: code size and stack depth are measured by GCC only")
    return()
  endif()
  set(measured ${CMAKE_BINARY_DIR}/checks/${name}.size)
  add_custom_command(
    OUTPUT ${measured}
    COMMAND ${CMAKE_COMMAND} -DSIZE=${SIZE_PROGRAM} -DOBJECT=${CMAKE_BINARY_DIR}/checks/${name}.o -DNAME=${name}
            -DOUTPUT=${measured} -P ${PROJECT_SOURCE_DIR}/cmake/code_size.cmake
    COMMAND ringside_stack_depth ${name} $<TARGET_OBJECTS:${name}_bare>
    DEPENDS ${CMAKE_BINARY_DIR}/checks/${name}.o ${PROJECT_SOURCE_DIR}/cmake/code_size.cmake ringside_stack_depth
    COMMAND_EXPAND_LISTS VERBATIM
    COMMENT "Measuring ${name}")
  add_custom_target(${name}_is_measured DEPENDS ${measured})
  add_dependencies(ringside_checks ${name}_is_measured)
endfunction()

find_program(SIZE_PROGRAM size REQUIRED)
add_executable(ringside_stack_depth ${CMAKE_CURRENT_LIST_DIR}/stack_depth.cpp)
