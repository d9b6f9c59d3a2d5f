# cmake -DROOT=source-directory -DSTAMP=file -P check_directions.cmake
# Reads the #include lines of every room and fails when one names a room that it must not know.
cmake_minimum_required(VERSION 3.25)


# What each room may include, itself among it: prefixes of paths from the root. Longest room first.
set(rooms
    driver/hal driver/pci driver/virtio driver/block
    model
    testbench/scenarios testbench/trace testbench/checks testbench/faults testbench/guest testbench/targets
    testbench/vfio_user testbench/serve
    testbench/programs testbench/campaign testbench/fuzz testbench/report testbench/cli testbench/tests testbench/examples)
set(may_driver/hal driver/hal/)
set(may_driver/pci driver/hal/ driver/pci/)
set(may_driver/virtio driver/hal/ driver/pci/ driver/virtio/)
set(may_driver/block driver/)
set(may_model model/)
set(may_testbench/scenarios driver/ testbench/scenarios/)
set(may_testbench/trace driver/hal/ testbench/trace/)
set(may_testbench/checks driver/hal/ testbench/trace/ testbench/checks/)
set(may_testbench/faults driver/hal/ model/device_faults.h testbench/trace/ testbench/faults/)
set(may_testbench/guest driver/ testbench/trace/ testbench/scenarios/ testbench/targets/ testbench/guest/)
set(may_testbench/targets driver/ model/ testbench/trace/ testbench/scenarios/ testbench/checks/ testbench/faults/
    testbench/guest/ testbench/vfio_user/ testbench/targets/)
set(may_testbench/vfio_user testbench/targets/descriptor.h testbench/vfio_user/)
set(may_testbench/serve model/ testbench/trace/ testbench/faults/ testbench/targets/ testbench/vfio_user/
    testbench/serve/)
set(may_testbench/programs driver/ testbench/trace/ testbench/scenarios/ testbench/targets/ testbench/programs/)
set(may_testbench/campaign driver/ testbench/trace/ testbench/scenarios/ testbench/checks/ testbench/faults/
    testbench/targets/ testbench/programs/ testbench/campaign/)
set(may_testbench/fuzz driver/ model/ testbench/trace/ testbench/faults/ testbench/programs/ testbench/targets/
    testbench/vfio_user/ testbench/serve/ testbench/fuzz/)
set(may_testbench/report testbench/trace/ testbench/checks/ testbench/report/)
set(may_testbench/cli driver/ model/ testbench/)
set(may_testbench/tests driver/ model/ testbench/)
set(may_testbench/examples driver/ model/ testbench/)

# Freestanding rooms keep to headers that stay freestanding on g++ 12 and on g++ 14.
set(freestanding driver/hal driver/pci driver/virtio driver/block testbench/scenarios)
set(freestanding_headers
    array atomic bit climits compare concepts cstdarg cstddef cstdint initializer_list limits new optional span tuple
    type_traits utility version)

# An include that is a room's business, judged; complaints gather in `complaints`.
macro(judge_own place room header)
  set(allowed FALSE)
  foreach(prefix IN LISTS may_${room})
    string(FIND "${header}" "${prefix}" at)
    if(at EQUAL 0)
      set(allowed TRUE)
    endif()
  endforeach()
  if(NOT allowed)
    string(REPLACE ";" " " permitted "${may_${room}}")
    list(APPEND complaints "${place}: ${room} must not include \"${header}\" (it may include ${permitted})")
  endif()
endmacro()

macro(judge_system place room header)
  if("${room}" IN_LIST freestanding AND NOT "${header}" IN_LIST freestanding_headers)
    list(APPEND complaints "${place}: ${room} is freestanding and must not include <${header}>")
  endif()
endmacro()

set(complaints)
foreach(top driver model testbench)
  file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/${top}/*.h ${ROOT}/${top}/*.cpp)
  foreach(file IN LISTS files)
    set(room)
    foreach(candidate IN LISTS rooms)
      string(FIND "${file}" "${candidate}/" at)
      if(at EQUAL 0)
        set(room ${candidate})
        break()
      endif()
    endforeach()
    if(NOT room)
      list(APPEND complaints "${file}: is in no room that cmake/check_directions.cmake knows")
      continue()
    endif()
    file(STRINGS ${ROOT}/${file} lines REGEX "^[ \t]*#[ \t]*include")
    foreach(line IN LISTS lines)
      if(line MATCHES "include[ \t]*\"([^\"]+)\"")
        judge_own(${file} ${room} "${CMAKE_MATCH_1}")
      elseif(line MATCHES "include[ \t]*<([^>]+)>")
        judge_system(${file} ${room} "${CMAKE_MATCH_1}")
      endif()
    endforeach()
  endforeach()
endforeach()

if(complaints)
  list(JOIN complaints "\n  " complaints)
  message(FATAL_ERROR "Dependencies point one way (docs/architecture.md):\n  ${complaints}")
endif()
file(WRITE ${STAMP} "")
