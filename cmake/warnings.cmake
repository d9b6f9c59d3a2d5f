# Ours and nobody else's: one interface target that every library of the project links.
add_library(ringside_warnings INTERFACE)
target_compile_options(ringside_warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow -Werror)
# With -O3 GCC 12 believes that "text" + std::to_string() may copy more than there is.
target_compile_options(
  ringside_warnings
  INTERFACE "$<$<AND:$<CONFIG:Release>,$<CXX_COMPILER_ID:GNU>>:-Wno-stringop-overflow;-Wno-array-bounds;-Wno-restrict>")
target_include_directories(ringside_warnings INTERFACE ${PROJECT_SOURCE_DIR})

set(RINGSIDE_SANITIZE "" CACHE STRING "Sanitizers to build with, as in -fsanitize=LIST")
if(RINGSIDE_SANITIZE)
  # vptr needs the type information that the driver is built without.
  add_compile_options(-fsanitize=${RINGSIDE_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${RINGSIDE_SANITIZE})
endif()
