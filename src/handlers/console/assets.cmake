# The page of the console: bundled, made small, compressed, and put into a library. SPDX-License-Identifier: GPL-2.0-or-later

# Asked for here, since what is missing should be said before half of the build is done.
find_program(ESBUILD esbuild)
find_program(GZIP gzip)
find_path(DYGRAPHS_DIR src/dygraph.js PATHS /usr/share/javascript/dygraphs NO_DEFAULT_PATH)
foreach(needed "ESBUILD;esbuild;esbuild" "GZIP;gzip;gzip" "DYGRAPHS_DIR;dygraphs;libjs-dygraphs")
  list(GET needed 0 variable)
  list(GET needed 1 what)
  list(GET needed 2 package)
  if(NOT ${variable})
    message(FATAL_ERROR "The console's page needs ${what}: Debian's package ${package} (scripts/install-packages build)")
  endif()
endforeach()

set(page ${CMAKE_CURRENT_SOURCE_DIR}/page)
set(made ${CMAKE_CURRENT_BINARY_DIR}/page)
file(GLOB scripts CONFIGURE_DEPENDS ${page}/*.js)
file(GLOB_RECURSE dygraphs ${DYGRAPHS_DIR}/src/*.js)

# dygraphs is bundled from Debian's source through a folder of our own, whose package.json leaves out what the page does
# not use: a third of it, with the legend, which the page's Content-Security-Policy would not let work.
file(MAKE_DIRECTORY ${made}/dygraphs)
file(CREATE_LINK ${DYGRAPHS_DIR}/src ${made}/dygraphs/src SYMBOLIC)
configure_file(${page}/dygraphs.json ${made}/dygraphs/package.json COPYONLY)

add_custom_command(
  OUTPUT ${made}/console.js
  COMMAND ${ESBUILD} ${page}/main.js --bundle --minify --drop:console --charset=utf8 --target=es2020 --log-level=warning
          --preserve-symlinks --alias:dygraphs=${made}/dygraphs/src/dygraph.js
          "--define:process.env.NODE_ENV=\"production\"" --legal-comments=eof --outfile=${made}/console.js
  DEPENDS ${scripts} ${dygraphs} ${made}/dygraphs/package.json
  VERBATIM)
add_custom_command(
  OUTPUT ${made}/console.css
  COMMAND ${ESBUILD} ${page}/console.css --minify --charset=utf8 --log-level=warning --outfile=${made}/console.css
  DEPENDS ${page}/console.css
  VERBATIM)
foreach(name icon.svg index.html)
  add_custom_command(OUTPUT ${made}/${name} COMMAND ${CMAKE_COMMAND} -E copy ${page}/${name} ${made}/${name}
                     DEPENDS ${page}/${name} VERBATIM)
endforeach()

set(assets console.js console.css icon.svg)
foreach(name IN LISTS assets)
  # Without the time of the file, so that the same page makes the same program.
  add_custom_command(OUTPUT ${made}/${name}.gz COMMAND ${GZIP} -9nfk ${made}/${name} DEPENDS ${made}/${name} VERBATIM)
  list(APPEND embedded ${made}/${name} ${made}/${name}.gz)
endforeach()

list(JOIN assets "," names)
add_custom_command(
  OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/assets.cpp
  COMMAND ${CMAKE_COMMAND} -D FOLDER=${made} -D NAMES=${names} -D OUTPUT=${CMAKE_CURRENT_BINARY_DIR}/assets.cpp
          -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  DEPENDS ${embedded} ${made}/index.html ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  VERBATIM)

add_library(httpd_console_assets STATIC ${CMAKE_CURRENT_BINARY_DIR}/assets.cpp)
target_include_directories(httpd_console_assets PUBLIC ${PROJECT_SOURCE_DIR}/src)
