# SPDX-License-Identifier: GPL-2.0-or-later

# opensips_httpd_add_module(NAME SOURCES…): a target NAME that makes NAME.so, a module that opensips-httpd can load. Only
# what the headers declare for the daemon is seen from outside of it, so that two modules never share a function by its name.
function(opensips_httpd_add_module NAME)
  add_library(${NAME} MODULE ${ARGN})
  target_link_libraries(${NAME} PRIVATE opensips-httpd::api)
  set_target_properties(${NAME} PROPERTIES PREFIX "" C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden
                                           VISIBILITY_INLINES_HIDDEN ON)
endfunction()
