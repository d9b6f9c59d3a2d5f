# cmake -DSIZE=size -DOBJECT=linked.o -DNAME=what -DOUTPUT=file -P code_size.cmake
cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND ${SIZE} ${OBJECT} OUTPUT_VARIABLE table COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCH "\n *([0-9]+)[ \t]+([0-9]+)[ \t]+([0-9]+)" ignored "${table}")
set(line "${NAME}: ${CMAKE_MATCH_1} bytes of code and constants, ${CMAKE_MATCH_2} of data, ${CMAKE_MATCH_3} of zeroes")
file(WRITE ${OUTPUT} "${line}\n")
execute_process(COMMAND ${CMAKE_COMMAND} -E echo "${line}")
