# cmake -DNM=nm -DOBJECT=linked.o -DNAME=what -P check_undefined.cmake
cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND ${NM} --undefined-only --demangle --format=posix ${OBJECT} OUTPUT_VARIABLE symbols
                                                                            COMMAND_ERROR_IS_FATAL ANY)
string(REGEX REPLACE " [UwvWV][^\n]*" "" symbols "${symbols}")
string(REPLACE "\n" ";" symbols "${symbols}")
list(FILTER symbols EXCLUDE REGEX "^(memcpy|memmove|memset|memcmp|)$")
if(symbols)
  file(REMOVE ${OBJECT})
  list(JOIN symbols "\n  " symbols)
  message(FATAL_ERROR "${NAME} is freestanding and may need nothing but memcpy, memmove, memset and memcmp, but it needs\n  ${symbols}")
endif()
