# Headers of the system and of libraries are parsed once for many files, and the files of some libraries compiled several
# at a time. Each still compiles by itself, with -DRINGSIDE_PCH=OFF: for clang-tidy, for the fuzzers, and for whoever
# wants to know.
option(RINGSIDE_PCH "Precompile headers of libraries, and compile several files at once" ON)
if(NOT RINGSIDE_PCH)
  set(CMAKE_DISABLE_PRECOMPILE_HEADERS ON)
endif()

# What most files of the bench include. None that leave work to every file that has seen them: with nlohmann/json.hpp, an
# empty file takes half a second.
set(RINGSIDE_COMMON_HEADERS
    <algorithm> <array> <cstdint> <cstring> <fstream> <functional> <map> <memory> <optional> <set> <span> <sstream>
    <string> <string_view> <utility> <vector> <fmt/core.h>)

# GCC takes a precompiled header only where all that was defined for it is defined too, so it belongs to a library that
# defines nothing.
file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/common_headers.cpp CONTENT "")
add_library(ringside_common_headers OBJECT ${CMAKE_BINARY_DIR}/common_headers.cpp)
target_link_libraries(ringside_common_headers PRIVATE fmt::fmt ringside_warnings)
target_precompile_headers(ringside_common_headers PRIVATE ${RINGSIDE_COMMON_HEADERS})

# GCC clears up after every few dozen megabytes; without that a file full of templates takes a tenth less, and no compiler
# more than half a gigabyte. clang-tidy, which reads what the others compile, does not know the option.
if(RINGSIDE_PCH AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  add_compile_options(--param=ggc-min-heapsize=300000)
endif()

# The target's files so many at a time, but for those that are named: they alone.
function(ringside_compile_together target size)
  set_target_properties(${target} PROPERTIES UNITY_BUILD ${RINGSIDE_PCH} UNITY_BUILD_BATCH_SIZE ${size})
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()
