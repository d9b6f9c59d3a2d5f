# GTKWave's FST writer. Debian's verilator package brings its sources; they are built from there. Without them the build
# goes on, and only FST waves are missing.
find_path(RINGSIDE_FSTAPI_DIR fstapi.c PATHS /usr/share/verilator/include/gtkwave NO_DEFAULT_PATH)
find_package(ZLIB)
if(RINGSIDE_FSTAPI_DIR AND ZLIB_FOUND)
  enable_language(C)
  add_library(ringside_fst_writer STATIC ${RINGSIDE_FSTAPI_DIR}/fstapi.c ${RINGSIDE_FSTAPI_DIR}/fastlz.c
                                         ${RINGSIDE_FSTAPI_DIR}/lz4.c)
  # Others' code: its warnings and its unaligned accesses are theirs, and it is what a wave's time goes to.
  target_compile_options(ringside_fst_writer PRIVATE -w -O2 -fvisibility=hidden -fno-sanitize=all)
  target_compile_definitions(ringside_fst_writer PRIVATE FST_CONFIG_INCLUDE="fst_config.h")
  target_include_directories(ringside_fst_writer SYSTEM PUBLIC ${RINGSIDE_FSTAPI_DIR})
  target_link_libraries(ringside_fst_writer PRIVATE ZLIB::ZLIB)
endif()
