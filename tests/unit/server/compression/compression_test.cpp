// Compression on connections. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/compression/compression.h"

#include <gmock/gmock.h>
#include <optional>

#include "../../memory_file.h"
#include "../fixture.h"
#include "decode.h"

namespace httpd::server {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

void release(void* context) noexcept {
  ++*static_cast<int*>(context);
}

class CompressionTest : public ServerTest {
 protected:
  void SetUp() override {
    text = numbered_lines(5000);
    root("open", {Method::kGet, Method::kPost}, [this](const Request&, Reply reply) {
      if (prepare) prepare(reply);
      reply.send(text);
    }).consents = true;
    root("shut", {Method::kGet}, [this](const Request&, Reply reply) { reply.send(text); });
    root("lent", {Method::kGet}, [this](const Request&, Reply reply) {
      reply.send(LentBytes(text.data(), text.size(), release, &released));
    }).consents = true;
    root("file", {Method::kGet}, [this](const Request&, Reply reply) {
      reply.send(FileBody(memory_file(text), 0, text.size() + missing));
    }).consents = true;
    root("stream", {Method::kGet}, [this](const Request&, Reply reply) {
      reply.stream(std::make_unique<ListSource>(pieces));
    }).consents = true;
    root("hello", {Method::kGet}, [](const Request&, Reply reply) { reply.send("hello"); });
  }

  /// The reply to one request, with its body decoded.
  struct Got {
    std::string head;
    std::string body;
    bool complete = false;
  };
  Got ask(std::string_view path, std::string_view accepted = "gzip", std::string_view more = "",
          std::string_view method = "GET", std::string_view version = "1.1") {
    if (server == nullptr) start();
    Client client(*this);
    client.send(std::string(method) + " /" + std::string(path) + " HTTP/" + std::string(version) +
                "\r\nHost: a\r\nAccept-Encoding: " + std::string(accepted) + "\r\n" + std::string(more) +
                "\r\n");
    const std::string reply = without_date(client.receive());
    const std::size_t end = reply.find("\r\n\r\n") + 4;
    Got got{reply.substr(0, end), reply.substr(end), true};
    if (got.head.find("Transfer-Encoding: chunked") != std::string::npos && method != "HEAD")
      got = unchunk(got);
    if (method == "HEAD") return got;
    for (const http::ContentCoding coding : kCodings)
      if (got.head.find("Content-Encoding: " + std::string(http::coding_name(coding))) != std::string::npos) {
        const Decoded decoded = decode(coding, got.body);
        got.body = decoded.text;
        got.complete = got.complete && decoded.complete;
      }
    return got;
  }
  static Got unchunk(const Got& chunked) {
    Got got{chunked.head, "", false};
    for (std::string_view rest = chunked.body; !rest.empty();) {
      const std::size_t line = rest.find("\r\n") + 2;
      const std::size_t size = std::stoul(std::string(rest), nullptr, 16);
      got.complete = size == 0 && rest.size() == line + 2;
      if (size == 0) break;
      got.body += rest.substr(line, size);
      rest.remove_prefix(std::min(rest.size(), line + size + 2));
    }
    return got;
  }
  /// With a reset, which the server notices though it has nothing to send.
  static void hang_up(Client& client) {
    const linger hard{1, 0};
    ::setsockopt(client.descriptor(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    client.close();
  }
  [[nodiscard]] std::uint64_t compressed() const { return statistics.value(Statistics::kCompressedReplies); }

  std::string text;
  std::function<void(Reply&)> prepare;
  std::vector<std::pair<std::ptrdiff_t, std::string>> pieces;
  std::size_t missing = 0;
  int released = 0;
};

constexpr const char* kCoded = "Content-Encoding: ";
constexpr const char* kVary = "Vary: Accept-Encoding\r\n";

TEST_F(CompressionTest, AShortBodyIsCompressedAtOnce) {
  for (const std::string root : {"open", "lent", "file"})
    for (const std::string coding : {"gzip", "zstd"}) {
      const Got got = ask(root, coding);
      EXPECT_THAT(got.head, StartsWith("HTTP/1.1 200 OK\r\n"));
      EXPECT_THAT(got.head, HasSubstr(kCoded + coding + "\r\n"));
      EXPECT_THAT(got.head, HasSubstr(kVary));
      EXPECT_THAT(got.head, HasSubstr("Content-Length: "));
      EXPECT_TRUE(got.complete && got.body == text) << root;
    }
  EXPECT_EQ(released, 2);
  EXPECT_EQ(compressed(), 6U);
  EXPECT_EQ(statistics.value(Statistics::kCompressionBytesIn), 6 * text.size());
  EXPECT_LT(statistics.value(Statistics::kCompressionBytesOut), 6 * text.size() / 2);
}

TEST_F(CompressionTest, ALongBodyIsAStream) {
  text = numbered_lines(1'000'000);
  for (const std::string root : {"open", "lent", "file"})
    for (const std::string coding : {"gzip", "zstd"}) {
      const Got got = ask(root, coding);
      EXPECT_THAT(got.head, HasSubstr(kCoded + coding + "\r\n"));
      EXPECT_THAT(got.head, HasSubstr("Transfer-Encoding: chunked\r\n"));
      EXPECT_THAT(got.head, Not(HasSubstr("Content-Length")));
      EXPECT_TRUE(got.complete && got.body == text) << root;
    }
  EXPECT_EQ(released, 2);
  EXPECT_EQ(statistics.value(Statistics::kCompressionBytesIn), 6 * text.size());
}

TEST_F(CompressionTest, NothingIsCompressedWithoutConsent) {
  const Got got = ask("shut");
  EXPECT_THAT(got.head, Not(HasSubstr(kCoded)));
  EXPECT_THAT(got.head, Not(HasSubstr("Vary")));
  EXPECT_EQ(got.body, text);
  EXPECT_EQ(compressed(), 0U);
}

TEST_F(CompressionTest, TheAdministratorConsentsForARoot) {
  settings.compression.roots = {"shut"};
  EXPECT_THAT(ask("shut").head, HasSubstr(kCoded));
  EXPECT_THAT(ask("open").head, HasSubstr(kCoded));
}

TEST_F(CompressionTest, TheAdministratorConsentsForAll) {
  settings.compression.every_root = true;
  EXPECT_THAT(ask("shut").head, HasSubstr(kCoded));
}

TEST_F(CompressionTest, TheAdministratorTurnsItOff) {
  settings.compression.every_root = true;
  settings.compression.min_size = 0;
  const Got got = ask("open");
  EXPECT_THAT(got.head, Not(HasSubstr(kCoded)));
  EXPECT_THAT(got.head, Not(HasSubstr("Vary")));
}

TEST_F(CompressionTest, SizesAroundTheLeastOne) {
  for (const std::size_t size : {0U, 1U, 1023U, 1024U, 1025U, 32767U, 32768U, 32769U}) {
    text = numbered_lines(size);
    const Got got = ask("open");
    EXPECT_EQ(got.body, text);
    EXPECT_TRUE(got.complete);
    EXPECT_EQ(got.head.find(kCoded) != std::string::npos, size >= 1024) << size;
    EXPECT_EQ(got.head.find(kVary) != std::string::npos, size >= 1024) << size;
    EXPECT_EQ(got.head.find("chunked") != std::string::npos, size > 32768) << size;
  }
}

TEST_F(CompressionTest, WhoDoesNotAcceptItIsToldThatOthersGetIt) {
  const Got got = ask("open", "br, gzip;q=0");
  EXPECT_THAT(got.head, Not(HasSubstr(kCoded)));
  EXPECT_THAT(got.head, HasSubstr(kVary));
  EXPECT_EQ(got.body, text);
}

TEST_F(CompressionTest, WhatDoesNotBecomeShorterIsSentAsItIs) {
  text.clear();
  std::uint32_t seed = 1;
  while (text.size() < 3000)
    text += static_cast<char>((seed = seed * 1664525U + 1013904223U) >> 24U);
  for (const std::string root : {"open", "lent", "file"}) {
    const Got got = ask(root);
    EXPECT_THAT(got.head, Not(HasSubstr(kCoded)));
    EXPECT_THAT(got.head, HasSubstr("Content-Length: 3000\r\n"));
    EXPECT_EQ(got.body, text);
  }
  EXPECT_EQ(compressed(), 0U);
}

TEST_F(CompressionTest, WhatAHandlerSaysOfItsBodyCounts) {
  const std::vector<std::function<void(Reply&)>> speeches{
      [](Reply& reply) { reply.header("Content-Encoding", "br"); },
      [](Reply& reply) { reply.header("Cache-Control", "no-transform"); },
      [](Reply& reply) { reply.content_type("image/png"); },
      [](Reply& reply) { reply.content_type("text/event-stream"); },
      [](Reply& reply) { reply.status(404); },
      [](Reply& reply) { reply.status(500); },
  };
  for (const auto& speech : speeches) {
    prepare = speech;
    const Got got = ask("open");
    EXPECT_THAT(got.head, Not(HasSubstr(std::string(kCoded) + "gzip")));
    EXPECT_THAT(got.head, Not(HasSubstr("Vary")));
    EXPECT_EQ(got.body, text);
  }
  EXPECT_EQ(compressed(), 0U);
  prepare = [](Reply& reply) { reply.status(201).header("ETag", "\"x\"").header("Vary", "Cookie"); };
  const Got got = ask("open", "zstd", "Content-Length: 0\r\n", "POST");
  EXPECT_THAT(got.head, HasSubstr("HTTP/1.1 201 "));
  EXPECT_THAT(got.head, HasSubstr("ETag: W/\"x\"\r\n"));
  EXPECT_THAT(got.head, HasSubstr("Vary: Cookie, Accept-Encoding\r\n"));
}

TEST_F(CompressionTest, HeadHasTheFieldsOfGet) {
  const auto without_length = [](std::string head) {
    const std::size_t at = head.find("Content-Length: ");
    return at == std::string::npos ? head : head.erase(at, head.find("\r\n", at) + 2 - at);
  };
  for (const std::size_t size : {2000U, 200'000U})
    for (const std::string root : {"open", "lent", "file"}) {
      text = numbered_lines(size);
      const Got got = ask(root, "gzip", "", "HEAD");
      EXPECT_EQ(got.body, "");
      EXPECT_THAT(got.head, Not(HasSubstr("Content-Length"))) << "it is not known";
      EXPECT_EQ(got.head, without_length(ask(root).head));
    }
  pieces = {{1, "one"}};
  EXPECT_EQ(ask("stream", "gzip", "", "HEAD").head, ask("stream").head);
  EXPECT_EQ(compressed(), 7U);
}

TEST_F(CompressionTest, AHeadReplyIsNotInTheWayOfTheNextOne) {
  start();
  Client client(*this);
  client.send("HEAD /open HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n" + std::string(kGet));
  EXPECT_THAT(without_date(client.receive()), EndsWith("\r\n\r\n" + std::string(kHelloReply)));
}

TEST_F(CompressionTest, Http10GetsWhatHasALength) {
  EXPECT_THAT(ask("open", "gzip", "", "GET", "1.0").head, HasSubstr(kCoded));
  text = numbered_lines(100'000);
  const Got got = ask("open", "gzip", "", "GET", "1.0");
  EXPECT_THAT(got.head, Not(HasSubstr(kCoded)));
  EXPECT_THAT(got.head, HasSubstr("Content-Length: 100000\r\n"));
  EXPECT_THAT(got.head, HasSubstr(kVary));
  EXPECT_EQ(got.body, text);
  pieces = {{1, "one"}};
  EXPECT_EQ(ask("stream", "gzip", "", "GET", "1.0").body, "one");
}

TEST_F(CompressionTest, AStreamIsFlushedWhereItPauses) {
  pieces = {{1, "one"}, {BodySource::kWait, ""}, {1, "never"}};
  const Got got = ask("stream");
  EXPECT_EQ(got.body, "one");
  EXPECT_FALSE(got.complete);
}

TEST_F(CompressionTest, AStreamThatFailsAtOnceIsA500) {
  pieces = {{BodySource::kBroken, ""}};
  const Got got = ask("stream");
  EXPECT_THAT(got.head, StartsWith("HTTP/1.1 500 "));
  EXPECT_THAT(got.head, Not(HasSubstr(kCoded)));
}

TEST_F(CompressionTest, AStreamThatFailsLaterIsCut) {
  pieces = {{1, "one"}, {BodySource::kBroken, ""}};
  const Got got = ask("stream");
  EXPECT_THAT(got.head, StartsWith("HTTP/1.1 200 "));
  EXPECT_FALSE(got.complete);
  EXPECT_TRUE(log.contains("could not be completed"));
}

TEST_F(CompressionTest, AFileThatBecameShorterIsNotMadeWhole) {
  missing = 1;
  EXPECT_THAT(ask("file").head, StartsWith("HTTP/1.1 500 ")) << "a small one is read first";
  text = numbered_lines(100'000);
  const Got got = ask("file");
  EXPECT_THAT(got.head, HasSubstr(kCoded));
  EXPECT_FALSE(got.complete);
}

TEST_F(CompressionTest, NoMoreStreamsAreCompressedThanMayBe) {
  settings.compression.max_streams = 1;
  pieces = {{1, "one"}, {BodySource::kWait, ""}};
  start();
  {
    Client first(*this);
    first.send("GET /stream HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    EXPECT_THAT(first.receive(), HasSubstr(kCoded));
    const Got second = ask("stream");
    EXPECT_THAT(second.head, Not(HasSubstr(kCoded)));
    EXPECT_THAT(second.head, HasSubstr(kVary));
    EXPECT_EQ(second.body, "one");
    EXPECT_THAT(ask("open").head, HasSubstr(kCoded)) << "short ones need no place";
    hang_up(first);
  }
  settle();
  EXPECT_THAT(ask("stream").head, HasSubstr(kCoded)) << "the place is free again";
}

TEST_F(CompressionTest, AnEntityTagIsToldInTheFormThatTheClientHas) {
  prepare = [](Reply& reply) { reply.status(304).header("ETag", "\"x\""); };
  for (const auto& [asked, told] :
       {std::pair{"W/\"x\"", "ETag: W/\"x\"\r\n"}, std::pair{"\"x\"", "ETag: \"x\"\r\n"}}) {
    const Got got = ask("open", "gzip", "If-None-Match: " + std::string(asked) + "\r\n");
    EXPECT_THAT(got.head, StartsWith("HTTP/1.1 304 "));
    EXPECT_THAT(got.head, HasSubstr(told));
    EXPECT_THAT(got.head, HasSubstr(kVary));
  }
  EXPECT_THAT(ask("open", "", "If-None-Match: W/\"x\"\r\n").head, HasSubstr("ETag: \"x\"\r\n"))
      << "who gets nothing compressed has nothing compressed";
}

TEST_F(CompressionTest, ATurnOfTheLoopHasOnePieceHoweverManyRepliesThereAre) {
  text = numbered_lines(4 << 20);
  start();
  std::vector<std::unique_ptr<Client>> slow;
  for (const std::string coding : {"gzip", "zstd", "gzip", "zstd"}) {
    slow.push_back(std::make_unique<Client>(*this));
    slow.back()->send("GET /lent HTTP/1.1\r\nHost: a\r\nAccept-Encoding: " + coding + "\r\n\r\n");
  }
  Client quick(*this);
  // The first piece of each comes with its head.
  while (compressed() < slow.size())
    loop.run_once();
  std::uint64_t turns = 0;
  std::uint64_t answered = 0;
  std::uint64_t asked_in = 0;
  char buffer[65536];
  while (released < static_cast<int>(slow.size())) {
    if (asked_in == 0) {
      quick.send(kGet);
      asked_in = turns + 1;
    }
    const std::uint64_t before = statistics.value(Statistics::kCompressionBytesIn);
    loop.run_once();
    ++turns;
    ASSERT_LE(statistics.value(Statistics::kCompressionBytesIn) - before, 64U * 1024);
    for (const std::unique_ptr<Client>& client : slow)
      static_cast<void>(::recv(client->descriptor(), buffer, sizeof buffer, MSG_DONTWAIT));
    if (::recv(quick.descriptor(), buffer, sizeof buffer, MSG_DONTWAIT) > 0) {
      ASSERT_LE(turns - asked_in, 1U) << "a short request waits for a piece at most";
      asked_in = 0;
      ++answered;
    }
  }
  EXPECT_GT(answered, 100U);
}

TEST_F(CompressionTest, AClientThatLeavesTakesItsStreamAlong) {
  text = numbered_lines(8 << 20);
  settings.compression.max_streams = 1;
  start();
  {
    Client client(*this);
    client.send("GET /lent HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    settle();
    EXPECT_EQ(released, 0);
    hang_up(client);
  }
  settle();
  EXPECT_EQ(released, 1);
  EXPECT_THAT(ask("lent").head, HasSubstr(kCoded));
}

}  // namespace
}  // namespace httpd::server
