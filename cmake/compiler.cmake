# Compiler flags that hold for every target. SPDX-License-Identifier: GPL-2.0-or-later
add_compile_options(-Wall -Wextra -Werror -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wformat=2 -Wundef
                    -fno-common -fstack-protector-strong)
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
endif()
if(HTTPD_SANITIZE)
  # Not optimised: these builds are compiled far more often than they wait for the processor.
  # Without vptr: that check looks at objects through a pipe, and takes good ones for broken where a test has used up the
  # descriptors on purpose.
  add_compile_options(-fsanitize=${HTTPD_SANITIZE} -fno-sanitize=vptr -fno-sanitize-recover=all
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${HTTPD_SANITIZE})
endif()
if(HTTPD_COVERAGE)
  add_compile_options(--coverage)
  add_link_options(--coverage)
endif()
if(HTTPD_FUZZ)
  if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    message(FATAL_ERROR "HTTPD_FUZZ needs clang: use the preset `clang`")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -O1)
  add_link_options(-fsanitize=address,undefined)
endif()
