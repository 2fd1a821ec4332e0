# Writes a C++ source with the bytes of files; run by cmake -P. SPDX-License-Identifier: GPL-2.0-or-later
# -D FOLDER=…    where the files are, and for those to be compressed FILE.gz
# -D NAMES=…     the assets, joined by commas; index.html is the page's template besides
# -D OUTPUT=…    the source: what src/handlers/console/assets.h declares
cmake_minimum_required(VERSION 3.25)

set(TYPE_js "text/javascript; charset=utf-8")
set(TYPE_css "text/css; charset=utf-8")
set(TYPE_svg "image/svg+xml")
set(WORTHWHILE 90) # per cent of the size, at most

# A string literal is compiled ten times as fast as a list of numbers.
function(literal FILE RESULT)
  file(READ ${FILE} hex HEX)
  string(REGEX REPLACE "(................................................................)" "\\1\n" hex "${hex}")
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "\\\\x\\1" hex "${hex}")
  string(REGEX REPLACE "([^\n]+)" "    \"\\1\"" hex "${hex}")
  set(${RESULT} "\n${hex}" PARENT_SCOPE)
endfunction()

set(source "// Made by the build from the files of the console's page.\n#include \"handlers/console/assets.h\"\n\n")
string(APPEND source "namespace httpd::console {\nnamespace {\n\n")
set(digests "")
set(rows "")

function(embed FILE CONSTANT)
  literal(${FILE} bytes)
  file(SIZE ${FILE} size)
  string(APPEND source "constexpr char ${CONSTANT}[] =${bytes};\nstatic_assert(sizeof(${CONSTANT}) == ${size} + 1);\n\n")
  set(source "${source}" PARENT_SCOPE)
endfunction()

string(REPLACE "," ";" NAMES "${NAMES}")
foreach(name IN LISTS NAMES)
  set(file ${FOLDER}/${name})
  string(MAKE_C_IDENTIFIER "k_${name}" constant)
  cmake_path(GET name EXTENSION LAST_ONLY extension)
  string(SUBSTRING ${extension} 1 -1 extension)
  embed(${file} ${constant})
  set(gzip "{}")
  file(SIZE ${file} size)
  file(SIZE ${file}.gz compressed)
  math(EXPR limit "${size} * ${WORTHWHILE} / 100")
  if(compressed LESS_EQUAL limit)
    embed(${file}.gz ${constant}_gz)
    set(gzip "{${constant}_gz, sizeof(${constant}_gz) - 1}")
  endif()
  string(APPEND rows "    {\"${name}\", \"${TYPE_${extension}}\", {${constant}, sizeof(${constant}) - 1}, ${gzip}},\n")
  file(SHA256 ${file} digest)
  string(APPEND digests ${digest})
endforeach()
embed(${FOLDER}/index.html k_index_html)
file(SHA256 ${FOLDER}/index.html digest)
string(SHA256 build "${digests}${digest}")
string(SUBSTRING ${build} 0 16 build)

string(APPEND source "constexpr Asset kAssets[] = {\n${rows}};\n\n}  // namespace\n\n"
       "std::span<const Asset> assets() noexcept { return kAssets; }\n"
       "std::string_view page_template() noexcept { return {k_index_html, sizeof(k_index_html) - 1}; }\n"
       "std::string_view build() noexcept { return \"${build}\"; }\n\n}  // namespace httpd::console\n")
file(WRITE ${OUTPUT} "${source}")
