# Debian's libsystemc is built as C++17, and its version symbol says so (sc_api_version_2_3_4_cxx201703L): a C++20
# program links with it when SC_CPLUSPLUS is defined to what the library was built with.
find_package(PkgConfig REQUIRED)
pkg_check_modules(SYSTEMC REQUIRED systemc)
file(STRINGS ${SYSTEMC_LINK_LIBRARIES} version_symbol REGEX "sc_api_version_.*cxx20[0-9][0-9][0-9][0-9]L"
                                                            LIMIT_COUNT 1)
if(NOT version_symbol MATCHES "cxx(20[0-9][0-9][0-9][0-9]L)")
  message(FATAL_ERROR "${SYSTEMC_LINK_LIBRARIES}: no sc_api_version symbol that names its C++ standard")
endif()
message(STATUS "SystemC ${SYSTEMC_VERSION}, built with __cplusplus ${CMAKE_MATCH_1}")

add_library(ringside_systemc INTERFACE)
target_include_directories(ringside_systemc SYSTEM INTERFACE ${SYSTEMC_INCLUDE_DIRS})
target_link_libraries(ringside_systemc INTERFACE ${SYSTEMC_LINK_LIBRARIES})
target_compile_definitions(ringside_systemc INTERFACE SC_CPLUSPLUS=${CMAKE_MATCH_1} SC_INCLUDE_DYNAMIC_PROCESSES)
