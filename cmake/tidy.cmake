# `ninja tidy`: clang-tidy over every source, with .clang-tidy at the root. It reads how each file is compiled by itself: a
# header that GCC has precompiled is nothing to it, and of a batch it would see no file.
find_program(RUN_CLANG_TIDY run-clang-tidy)
if(RUN_CLANG_TIDY)
  set(alone ${CMAKE_BINARY_DIR}/tidy)
  add_custom_target(
    tidy
    COMMAND ${CMAKE_COMMAND} -S ${PROJECT_SOURCE_DIR} -B ${alone} -G Ninja -DRINGSIDE_PCH=OFF
            -DCMAKE_BUILD_TYPE=${CMAKE_BUILD_TYPE} -DCMAKE_CXX_COMPILER=${CMAKE_CXX_COMPILER}
    COMMAND ${RUN_CLANG_TIDY} -quiet -p ${alone} "^${PROJECT_SOURCE_DIR}/(driver|model|testbench)/.*[.]cpp$"
    WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
    VERBATIM USES_TERMINAL)
endif()
