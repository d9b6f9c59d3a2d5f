# Dependencies point one way; see docs/architecture.md. Checked whenever a source has changed.
file(GLOB_RECURSE RINGSIDE_ALL_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/driver/*.h
     ${PROJECT_SOURCE_DIR}/driver/*.cpp ${PROJECT_SOURCE_DIR}/model/*.h ${PROJECT_SOURCE_DIR}/model/*.cpp
     ${PROJECT_SOURCE_DIR}/testbench/*.h ${PROJECT_SOURCE_DIR}/testbench/*.cpp)
set(directions_stamp ${CMAKE_BINARY_DIR}/checks/directions)
add_custom_command(
  OUTPUT ${directions_stamp}
  COMMAND ${CMAKE_COMMAND} -DROOT=${PROJECT_SOURCE_DIR} -DSTAMP=${directions_stamp} -P
          ${PROJECT_SOURCE_DIR}/cmake/check_directions.cmake
  DEPENDS ${RINGSIDE_ALL_SOURCES} ${PROJECT_SOURCE_DIR}/cmake/check_directions.cmake
  VERBATIM
  COMMENT "Checking the directions of dependencies")
add_custom_target(ringside_directions DEPENDS ${directions_stamp})
add_dependencies(ringside_checks ringside_directions)
