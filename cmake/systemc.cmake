# Debian's libsystemc is built as C++17, and its version symbol says so: a C++20 program links with it when
# SC_CPLUSPLUS is defined to what the library was built with.
find_package(PkgConfig REQUIRED)
pkg_check_modules(SYSTEMC REQUIRED systemc)
add_library(ringside_systemc INTERFACE)
target_include_directories(ringside_systemc SYSTEM INTERFACE ${SYSTEMC_INCLUDE_DIRS} /usr/include)
target_link_libraries(ringside_systemc INTERFACE ${SYSTEMC_LINK_LIBRARIES})
target_compile_definitions(ringside_systemc INTERFACE SC_CPLUSPLUS=201703L SC_INCLUDE_DYNAMIC_PROCESSES)
