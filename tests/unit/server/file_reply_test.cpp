// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/file_reply.h"

#include <fcntl.h>
#include <gmock/gmock.h>

#include "../memory_file.h"

namespace httpd::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr std::time_t kModified = 784111777;
constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

class FileReplyTest : public ::testing::Test {
 protected:
  /// Asks for a file of ten bytes.
  FileReply ask(std::vector<std::pair<std::string_view, std::string_view>> fields) {
    http::RequestHead head;
    head.method = method;
    for (const auto& [name, value] : fields)
      head.fields.push_back({http::FieldId::kOther, name, value});
    File file = File::from_descriptor(memory_file("0123456789"));
    file.set_modified(modified).set_entity_tag(tag);
    return make_file_reply({head, status, "a/b", own_fields, now}, std::move(file));
  }
  static std::pair<std::uint64_t, std::uint64_t> part(const FileReply& reply) {
    const auto* const body = std::get_if<FileBody>(&reply.body);
    if (body == nullptr) return {999, 999};
    EXPECT_GE(::fcntl(body->descriptor(), F_GETFD), 0);
    return {body->offset(), body->size()};
  }
  static std::string_view text(const FileReply& reply) { return std::get<std::string_view>(reply.body); }

  std::optional<Method> method = Method::kGet;
  int status = 200;
  std::string own_fields;
  std::string tag = "\"t\"";
  std::optional<std::time_t> modified = kModified;
  std::time_t now = kModified + 1000;
};

using Part = std::pair<std::uint64_t, std::uint64_t>;

TEST_F(FileReplyTest, TheWhole) {
  own_fields = "X-Own: 1\r\n";
  for (const auto asked : {Method::kGet, Method::kHead}) {
    method = asked;
    const FileReply reply = ask({});
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.content_type, "a/b");
    EXPECT_EQ(reply.fields, "X-Own: 1\r\nETag: \"t\"\r\nLast-Modified: " + std::string(kDate) +
                                "\r\nAccept-Ranges: bytes\r\n");
    EXPECT_EQ(part(reply), Part(0, 10));
  }
}

TEST_F(FileReplyTest, WithoutValidators) {
  tag = "";
  modified = std::nullopt;
  EXPECT_EQ(ask({}).fields, "Accept-Ranges: bytes\r\n");
  EXPECT_EQ(ask({{"If-None-Match", "\"t\""}, {"If-Modified-Since", kDate}}).status, 200);
}

TEST_F(FileReplyTest, OneRange) {
  const FileReply reply = ask({{"Range", "bytes=2-4"}});
  EXPECT_EQ(reply.status, 206);
  EXPECT_EQ(reply.content_type, "a/b");
  EXPECT_THAT(reply.fields, HasSubstr("Content-Range: bytes 2-4/10\r\n"));
  EXPECT_THAT(reply.fields, HasSubstr("ETag: \"t\"\r\n"));
  EXPECT_EQ(part(reply), Part(2, 3));
  EXPECT_EQ(part(ask({{"Range", "bytes=-3"}})), Part(7, 3));
  EXPECT_EQ(part(ask({{"Range", "bytes=0-1,2-3"}})), Part(0, 4));
}

TEST_F(FileReplyTest, SeveralRanges) {
  const FileReply reply = ask({{"Range", "bytes=0-1,8-9"}});
  EXPECT_EQ(reply.status, 206);
  EXPECT_THAT(reply.content_type, StartsWith("multipart/byteranges; boundary="));
  EXPECT_THAT(reply.fields, Not(HasSubstr("Content-Range")));
  EXPECT_NE(std::get<std::unique_ptr<BodySource>>(reply.body), nullptr);
}

TEST_F(FileReplyTest, NoSuchRange) {
  own_fields = "Cache-Control: max-age=9\r\n";
  const FileReply reply = ask({{"Range", "bytes=10-"}});
  EXPECT_EQ(reply.status, 416);
  EXPECT_EQ(reply.content_type, "");
  EXPECT_EQ(reply.fields, "Content-Range: bytes */10\r\n");
  EXPECT_EQ(text(reply), "Range not satisfiable\n");
}

TEST_F(FileReplyTest, RangesThatAreIgnored) {
  for (const std::string_view range : {"bytes=5-4", "lines=1-2", "bytes=x", ""})
    EXPECT_EQ(ask({{"Range", range}}).status, 200) << range;
  EXPECT_EQ(ask({{"Range", "bytes=0-0"}, {"Range", "bytes=0-0"}}).status, 200);
  for (const auto other : {Method::kHead, Method::kPost}) {
    method = other;
    const FileReply reply = ask({{"Range", "bytes=0-0"}});
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(part(reply), Part(0, 10));
  }
  method = Method::kGet;
  status = 203;
  EXPECT_EQ(ask({{"Range", "bytes=0-0"}}).status, 203);
  EXPECT_THAT(ask({}).fields, Not(HasSubstr("Accept-Ranges")));
}

TEST_F(FileReplyTest, IfRange) {
  EXPECT_EQ(ask({{"Range", "bytes=0-0"}, {"If-Range", "\"t\""}}).status, 206);
  EXPECT_EQ(ask({{"Range", "bytes=0-0"}, {"If-Range", kDate}}).status, 206);
  EXPECT_EQ(ask({{"Range", "bytes=0-0"}, {"If-Range", "\"u\""}}).status, 200);
  EXPECT_EQ(ask({{"Range", "bytes=99-"}, {"If-Range", "\"u\""}}).status, 200) << "and no 416";
  EXPECT_EQ(ask({{"If-Range", "\"u\""}}).status, 200);
  tag = "W/\"t\"";
  EXPECT_EQ(ask({{"Range", "bytes=0-0"}, {"If-Range", "W/\"t\""}}).status, 200);
}

TEST_F(FileReplyTest, NotModified) {
  own_fields = "Cache-Control: max-age=9\r\n";
  FileReply reply = ask({{"If-None-Match", "\"t\""}, {"Range", "bytes=0-0"}});
  EXPECT_EQ(reply.status, 304);
  EXPECT_EQ(reply.fields, "Cache-Control: max-age=9\r\nETag: \"t\"\r\n");
  EXPECT_EQ(text(reply), "");
  tag = "";
  reply = ask({{"If-Modified-Since", kDate}});
  EXPECT_EQ(reply.status, 304);
  EXPECT_EQ(reply.fields, "Cache-Control: max-age=9\r\nLast-Modified: " + std::string(kDate) + "\r\n");
}

TEST_F(FileReplyTest, PreconditionFailed) {
  own_fields = "Cache-Control: max-age=9\r\n";
  const FileReply reply = ask({{"If-Match", "\"u\""}});
  EXPECT_EQ(reply.status, 412);
  EXPECT_EQ(reply.fields, "");
  EXPECT_EQ(text(reply), "Precondition failed\n");
  method = Method::kPost;
  EXPECT_EQ(ask({{"If-None-Match", "\"t\""}}).status, 412);
}

TEST_F(FileReplyTest, AnErrorsPageHasNoConditions) {
  status = 404;
  const FileReply reply = ask({{"If-Match", "\"u\""}, {"Range", "bytes=0-0"}});
  EXPECT_EQ(reply.status, 404);
  EXPECT_EQ(reply.fields, "");
  EXPECT_EQ(part(reply), Part(0, 10));
}

TEST_F(FileReplyTest, FieldsOfTheHandlerCount) {
  own_fields = "etag: \"own\"\r\nlast-modified: Sun, 06 Nov 1994 08:49:30 GMT\r\naccept-ranges: none\r\n";
  EXPECT_EQ(ask({}).fields, own_fields);
  EXPECT_EQ(ask({{"If-None-Match", "\"own\""}}).status, 304);
  EXPECT_EQ(ask({{"If-None-Match", "\"t\""}}).status, 200);
  EXPECT_EQ(ask({{"If-Modified-Since", "Sun, 06 Nov 1994 08:49:30 GMT"}}).status, 304);
  EXPECT_EQ(ask({{"If-Modified-Since", "Sun, 06 Nov 1994 08:49:29 GMT"}}).status, 200);
}

TEST_F(FileReplyTest, ATimeThatLiesAheadIsNotTold) {
  now = kModified - 1;
  EXPECT_THAT(ask({}).fields, HasSubstr("Last-Modified: Sun, 06 Nov 1994 08:49:36 GMT\r\n"));
  modified = -5;
  EXPECT_THAT(ask({}).fields, HasSubstr("Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\n"));
}

}  // namespace
}  // namespace httpd::server
