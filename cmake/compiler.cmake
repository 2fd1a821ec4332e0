# Compiler flags that hold for every target. SPDX-License-Identifier: GPL-2.0-or-later
add_compile_options(-Wall -Wextra -Werror -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wformat=2 -Wundef
                    -fno-common -fstack-protector-strong -fno-plt)
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor> $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual>)
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  add_compile_options(-O2 -D_FORTIFY_SOURCE=2)
  add_link_options(-Wl,-z,relro,-z,now)
else()
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
endif()
if(HTTPD_LTO)
  include(CheckIPOSupported)
  check_ipo_supported()
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_link_options(-flto=auto) # on all cores
  endif()
endif()
if(HTTPD_SANITIZE)
  # Without vptr: that check looks at objects through a pipe, and takes good ones for broken where a test has used up the
  # descriptors on purpose.
  add_compile_options(-fsanitize=${HTTPD_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${HTTPD_SANITIZE})
  if(HTTPD_SANITIZE MATCHES "address")
    add_compile_definitions(HTTPD_ADDRESS_SANITIZER)
  endif()
endif()
if(HTTPD_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
if(HTTPD_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "HTTPD_FUZZ needs clang: use the preset `sanitize`")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

# httpd_precompile(TARGET HEADER…): reading the headers that nearly every file includes, these and HEADER…, takes longer than
# compiling most files. Who wants to see that each file includes what it uses switches it off.
option(HTTPD_PRECOMPILED_HEADERS "Read the headers that nearly every file includes once for each library" ON)
function(httpd_precompile TARGET)
  if(HTTPD_PRECOMPILED_HEADERS)
    target_precompile_headers(${TARGET} PRIVATE <algorithm> <chrono> <functional> <memory> <optional> <string> <vector>
                              <fmt/format.h> ${ARGN})
  endif()
endfunction()
