# Looks at the OpenSIPS tree that the module is to be built for. SPDX-License-Identifier: GPL-2.0-or-later

# Sets in the caller: OPENSIPS_RELEASE ("4.0.1"), OPENSIPS_VERSION_NUMBER (40001) and OPENSIPS_DEFINITIONS (a list of
# compiler options). Ends the configuration with advice when the tree at TREE cannot be built for.
function(read_opensips_tree TREE)
  set(SAID "OPENSIPS_SOURCE_DIR is ${TREE}")
  foreach(FILE Makefile.defs sr_module.h reactor_proc.h)
    if(NOT EXISTS ${TREE}/${FILE})
      message(FATAL_ERROR "${SAID}: that is no source tree of OpenSIPS 3.4 or later, it has no ${FILE}")
    endif()
  endforeach()
  set(NUMBER 0)
  foreach(PART MAJOR MINOR SUBMINOR)
    file(STRINGS ${TREE}/Makefile.defs LINES REGEX "^VERSION_${PART}[ \t]*=")
    if(NOT LINES MATCHES "=[ \t]*([0-9]+)")
      message(FATAL_ERROR "${SAID}: no VERSION_${PART} stands in its Makefile.defs")
    endif()
    math(EXPR NUMBER "${NUMBER} * 100 + ${CMAKE_MATCH_1}")
  endforeach()
  if(NUMBER LESS 30400)
    message(FATAL_ERROR "${SAID}: the module is for OpenSIPS 3.4 and later, and that tree is older")
  endif()
  if(NOT EXISTS ${TREE}/Makefile.conf OR NOT EXISTS ${TREE}/opensips)
    message(FATAL_ERROR "${SAID}: that tree has never been built, and the module must fit the program; "
                        "run make in it first")
  endif()

  find_program(MAKE_PROGRAM NAMES gmake make REQUIRED)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E env --unset=MAKEFLAGS --unset=MFLAGS --unset=MAKELEVEL ${MAKE_PROGRAM} -s
            --no-print-directory -C ${TREE} -f ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/tree_variables.mk
    OUTPUT_VARIABLE VARIABLES
    ERROR_VARIABLE ERRORS
    RESULT_VARIABLE RESULT)
  if(NOT RESULT EQUAL 0 OR NOT VARIABLES MATCHES "release=([^\n]*)\ndefinitions=([^\n]*)\n")
    message(FATAL_ERROR "${SAID}: its Makefile.conf and Makefile.defs cannot be read:\n${ERRORS}${VARIABLES}")
  endif()
  set(RELEASE ${CMAKE_MATCH_1})
  separate_arguments(DEFINITIONS UNIX_COMMAND "${CMAKE_MATCH_2}")

  # The loader refuses a module whose version, flags or revision are not those of the program: better said now.
  set(PROBE ${CMAKE_CURRENT_BINARY_DIR}/tree_version)
  execute_process(COMMAND ${CMAKE_C_COMPILER} ${DEFINITIONS} -iquote ${TREE}
                          ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/tree_version.c -o ${PROBE} COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${PROBE} OUTPUT_VARIABLE EXPECTED COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${TREE}/opensips -V OUTPUT_VARIABLE PRINTED ERROR_VARIABLE ERRORS RESULT_VARIABLE RESULT)
  if(NOT RESULT EQUAL 0)
    message(FATAL_ERROR "${SAID}: its program does not run (${RESULT}):\n${ERRORS}")
  endif()
  string(REGEX REPLACE "\n+$" "" EXPECTED "${EXPECTED}")
  string(REGEX REPLACE "\n+$" "" PRINTED "${PRINTED}")
  string(REPLACE ";" "," PRINTED "${PRINTED}")
  string(REPLACE "\n" ";" PRINTED "${PRINTED}")
  string(REPLACE "\n" ";" EXPECTED "${EXPECTED}")
  foreach(LINE IN LISTS EXPECTED)
    if(NOT LINE IN_LIST PRINTED)
      list(JOIN PRINTED "\n  " PRINTED)
      message(FATAL_ERROR "${SAID}: its program was built from other sources or with other options than stand there "
                          "now, so it would refuse the module. Build it again. The sources say:\n  ${LINE}\n"
                          "but `opensips -V` prints:\n  ${PRINTED}")
    endif()
  endforeach()

  set(OPENSIPS_RELEASE ${RELEASE} PARENT_SCOPE)
  set(OPENSIPS_VERSION_NUMBER ${NUMBER} PARENT_SCOPE)
  set(OPENSIPS_DEFINITIONS ${DEFINITIONS} PARENT_SCOPE)
endfunction()
