// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/file_ranges.h"

#include <gmock/gmock.h>

#include "../memory_file.h"

namespace httpd::server {
namespace {

std::string read_all(BodySource& source, std::size_t window, std::ptrdiff_t& end) {
  std::string text;
  std::string buffer(window, '\0');
  while ((end = source.read(text.size(), buffer.data(), window)) > 0)
    text.append(buffer, 0, static_cast<std::size_t>(end));
  return text;
}

TEST(FileRanges, AreOneBodyWhateverIsAskedForAtOnce) {
  for (const std::size_t window : {std::size_t{1}, std::size_t{7}, std::size_t{64}, std::size_t{32768}}) {
    FileRanges ranges(FileBody(memory_file("0123456789"), 0, 10), {{7, 3}, {0, 1}}, "text/plain");
    const std::string type = ranges.content_type();
    ASSERT_THAT(type, ::testing::MatchesRegex("multipart/byteranges; boundary=[0-9a-f]{32}"));
    const std::string dashes = "--" + type.substr(type.find('=') + 1);
    std::ptrdiff_t end = 0;
    EXPECT_EQ(read_all(ranges, window, end),
              dashes + "\r\nContent-Type: text/plain\r\nContent-Range: bytes 7-9/10\r\n\r\n789\r\n" + dashes +
                  "\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-0/10\r\n\r\n0\r\n" + dashes +
                  "--\r\n");
    EXPECT_EQ(end, BodySource::kEnd);
  }
}

TEST(FileRanges, LongPartsAreWhole) {
  const std::string text = numbered_lines(200'000);
  FileRanges ranges(FileBody(memory_file(text), 0, text.size()), {{0, 70'000}, {100'000, 100'000}}, "a/b");
  std::ptrdiff_t end = 0;
  const std::string body = read_all(ranges, 32 * 1024, end);
  EXPECT_NE(body.find("\r\n\r\n" + text.substr(0, 70'000) + "\r\n--"), std::string::npos);
  EXPECT_NE(body.find("\r\n\r\n" + text.substr(100'000) + "\r\n--"), std::string::npos);
}

TEST(FileRanges, BoundariesDiffer) {
  const FileRanges one(FileBody(memory_file("ab"), 0, 2), {{0, 1}, {1, 1}}, "a/b");
  const FileRanges two(FileBody(memory_file("ab"), 0, 2), {{0, 1}, {1, 1}}, "a/b");
  EXPECT_NE(one.content_type(), two.content_type());
}

TEST(FileRanges, AFileThatBecameShorterIsNoEnd) {
  const int descriptor = memory_file("0123456789");
  FileRanges ranges(FileBody(descriptor, 0, 10), {{0, 1}, {5, 5}}, "a/b");
  ASSERT_EQ(::ftruncate(descriptor, 7), 0);
  std::ptrdiff_t end = 0;
  read_all(ranges, 64, end);
  EXPECT_EQ(end, BodySource::kBroken);
}

}  // namespace
}  // namespace httpd::server
