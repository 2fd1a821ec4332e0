// Tests of cutting the FIFO's bytes into requests: fragments, limits, garbage.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/mi_fifo/request_reader.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace httpd::mi_fifo {
namespace {

std::string show(const RequestReader::Item& item) {
  switch (item.kind) {
    case RequestReader::Kind::kRequest:
      return item.reply_name + "=" + item.text;
    case RequestReader::Kind::kNoRequest:
      return "dropped" + item.reply_name + item.text;
    case RequestReader::Kind::kTooLong:
      return item.reply_name + " too long" + item.text;
    case RequestReader::Kind::kIncomplete:
      return item.reply_name + " incomplete" + item.text;
  }
  return "?";
}

using Lines = std::vector<std::string>;

Lines read(RequestReader& reader, std::string_view bytes, std::size_t size = std::string_view::npos) {
  Lines lines;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(size, bytes.size()))) {
    for (const RequestReader::Item& item : reader.add(bytes.substr(0, size)))
      lines.push_back(show(item));
  }
  return lines;
}

std::string expire(RequestReader& reader) {
  const std::optional<RequestReader::Item> item = reader.expire();
  EXPECT_FALSE(reader.incomplete());
  return item ? show(*item) : "nothing";
}

TEST(RequestReader, ReadsRequestsInAnyFragments) {
  const std::string text = ":r1:{\"a\":\":x:{\"}\n::[1]\n\n  :r_2: {}:r3:{\"b\":[]}";
  const Lines wanted = {R"(r1={"a":":x:{"})", "=[1]", "r_2= {}", "r3={\"b\":[]}"};
  for (std::size_t size = 1; size <= text.size(); ++size) {
    RequestReader reader;
    EXPECT_EQ(read(reader, text, size), wanted) << size;
    EXPECT_FALSE(reader.incomplete());
  }
}

TEST(RequestReader, KnowsWhenTheRestIsAwaited) {
  RequestReader reader;
  EXPECT_FALSE(reader.incomplete());
  for (const char* part : {":", "r", ":", "{", "\"}"}) {
    EXPECT_TRUE(reader.add(part).empty());
    EXPECT_TRUE(reader.incomplete()) << part;
  }
  EXPECT_EQ(read(reader, "\"}"), (Lines{"r={\"}\"}"}));
  EXPECT_FALSE(reader.incomplete());
}

TEST(RequestReader, ExpiresWhatIsIncomplete) {
  RequestReader reader;
  EXPECT_EQ(expire(reader), "nothing");
  EXPECT_EQ(read(reader, ":r:{\"a\""), Lines());
  EXPECT_EQ(expire(reader), "r incomplete");
  EXPECT_EQ(read(reader, ":nam"), Lines());
  EXPECT_EQ(expire(reader), " incomplete");
  EXPECT_EQ(read(reader, ":r:"), Lines());
  EXPECT_EQ(expire(reader), "r incomplete");
  EXPECT_EQ(read(reader, ":s:{}"), (Lines{"s={}"}));
}

TEST(RequestReader, DropsWhatIsNoRequest) {
  RequestReader reader;
  EXPECT_EQ(read(reader, "hello :r:{}\n:s:{}"), (Lines{"dropped", "s={}"}));
  EXPECT_EQ(read(reader, "hello :r:{}"), (Lines{"dropped"}));
  EXPECT_EQ(read(reader, ":s:{}"), (Lines{"s={}"}));
  EXPECT_EQ(read(reader, ":na\nme:{}\n:s:{}"), (Lines{"dropped", "dropped", "s={}"}));
  EXPECT_EQ(read(reader, ":na\tme:{}\n:s:{}"), (Lines{"dropped", "s={}"}));
  EXPECT_FALSE(reader.incomplete());
}

TEST(RequestReader, AStringEndsWithItsLineSoThatTheNextRequestIsRead) {
  RequestReader reader;
  EXPECT_EQ(read(reader, ":r:{\"a\n:s:{}"), (Lines{"r={\"a", "s={}"}));
}

TEST(RequestReader, TextThatIsNoJsonIsARequest) {
  RequestReader reader;
  EXPECT_EQ(read(reader, ":r:bad :s:{]::"), (Lines{"r=bad", "s={]"}));
  EXPECT_EQ(read(reader, ":t:{}"), (Lines{"=", "t={}"}));
}

TEST(RequestReader, NameLength) {
  const std::string name(kMaxReplyName, 'n');
  for (const std::size_t size : {std::size_t{1}, std::size_t{100}, std::size_t{1000}}) {
    RequestReader reader;
    EXPECT_EQ(read(reader, ":" + name + ":{}", size), (Lines{name + "={}"}));
  }
  RequestReader reader;
  EXPECT_EQ(read(reader, ":" + name + "n:{}\n:s:{}"), (Lines{"dropped", "s={}"}));
  EXPECT_EQ(read(reader, std::string(":") + std::string(10'000, 'n')), (Lines{"dropped"}));
}

std::string request_of(std::size_t size) {
  return "{\"" + std::string(size - 4, 'x') + "\"}";
}

TEST(RequestReader, TextLength) {
  for (const std::size_t size : {std::size_t{1000}, std::size_t{1'000'000}}) {
    RequestReader reader;
    const std::string longest = request_of(kMaxRequestSize);
    ASSERT_EQ(longest.size(), kMaxRequestSize);
    EXPECT_EQ(read(reader, ":r:" + longest + ":s:{}", size), (Lines{"r=" + longest, "s={}"}));
    EXPECT_EQ(read(reader, ":r:" + request_of(kMaxRequestSize + 1) + ":s:{}", size),
              (Lines{"r too long", "s={}"}));
    EXPECT_EQ(read(reader, ":r:" + request_of(3'000'000) + ":s:{}", size), (Lines{"r too long", "s={}"}));
  }
}

TEST(RequestReader, AnEndlessTextIsNotKeptAndReportedOnce) {
  RequestReader reader;
  EXPECT_EQ(read(reader, ":r:" + std::string(5'000'000, '['), 65'536), Lines());
  EXPECT_TRUE(reader.incomplete());
  EXPECT_EQ(expire(reader), "r too long");
  EXPECT_EQ(expire(reader), "nothing");
  EXPECT_EQ(read(reader, ":s:{}"), (Lines{"s={}"}));
}

TEST(RequestReader, EndlessWhiteSpaceCountsAsText) {
  RequestReader reader;
  EXPECT_EQ(read(reader, ":r:" + std::string(kMaxRequestSize - 1, ' ') + "{}"), (Lines{"r too long"}));
}

}  // namespace
}  // namespace httpd::mi_fifo
