// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/parser.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace httpd::http {
namespace {

using State = RequestParser::State;

struct Parsed {
  State state = State::kMore;
  Refusal refusal = Refusal::kNone;
  std::string method, target, body;
  bool http_1_0 = false;
  std::size_t fields = 0;
  std::size_t used = 0;  // bytes of the message
};

/// Feeds `text` in fragments of `step` bytes, as a connection does.
Parsed parse(const std::string& text, std::size_t step, std::uint64_t body_limit = 1 << 20) {
  Limits limits;
  RequestParser parser(limits);
  Parsed result;
  std::string pending;
  bool in_body = false;
  for (std::size_t at = 0; at < text.size() && result.state == State::kMore;) {
    const std::size_t size = std::min(step, text.size() - at);
    pending += text.substr(at, size);
    at += size;
    if (!in_body) {
      result.state = parser.parse_head(pending);
      if (result.state != State::kComplete) continue;
      result.used = parser.head_size();
      pending.erase(0, parser.head_size());
      in_body = true;
      result.state = parser.head().framing.body == Framing::Body::kNone ? State::kComplete : State::kMore;
      if (result.state == State::kComplete) break;
    }
    std::size_t consumed = 0;
    result.state = parser.parse_body(pending, &result.body, body_limit, Refusal::kBodyTooLarge, consumed);
    pending.erase(0, consumed);
    result.used += consumed;
  }
  result.refusal = parser.refusal();
  if (in_body) {
    result.method = parser.head().method_text;
    result.target = parser.head().target_text;
    result.http_1_0 = parser.head().http_1_0;
    result.fields = parser.head().fields.size();
  }
  return result;
}

Parsed parse_every_way(const std::string& text, std::uint64_t body_limit = 1 << 20) {
  const Parsed whole = parse(text, text.size(), body_limit);
  for (const std::size_t step : {1U, 2U, 3U, 5U, 7U, 64U}) {
    const Parsed pieces = parse(text, step, body_limit);
    EXPECT_EQ(pieces.state, whole.state) << step << ": " << text;
    EXPECT_EQ(pieces.refusal, whole.refusal) << step << ": " << text;
    if (whole.state == State::kComplete) {
      EXPECT_EQ(pieces.body, whole.body) << step;
      EXPECT_EQ(pieces.used, whole.used) << step;
    }
  }
  return whole;
}

const std::string kPost = "POST /mi HTTP/1.1\r\nHost: a\r\n";

TEST(RequestParser, ReadsAHead) {
  const Parsed parsed = parse_every_way("GET /mi?a=b HTTP/1.1\r\nHost: a\r\nX-Y:  z \r\n\r\nnext");
  EXPECT_EQ(parsed.state, State::kComplete);
  EXPECT_EQ(parsed.method, "GET");
  EXPECT_EQ(parsed.target, "/mi?a=b");
  EXPECT_EQ(parsed.fields, 2U);
  EXPECT_FALSE(parsed.http_1_0);
  EXPECT_EQ(parsed.used, 43U);
}

TEST(RequestParser, ViewsSurviveTheInput) {
  Limits limits;
  RequestParser parser(limits);
  std::string input = "GET /mi HTTP/1.1\r\nHost: a\r\nX-Y: value\r\n\r\n";
  ASSERT_EQ(parser.parse_head(input), State::kComplete);
  input.assign(input.size(), '!');
  EXPECT_EQ(parser.head().fields[1].value, "value");
  EXPECT_EQ(parser.head().target.path, "/mi");
}

TEST(RequestParser, IsReusable) {
  Limits limits;
  RequestParser parser(limits);
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(parser.parse_head("GET(\r\n"), State::kRefused);
    parser.reset();
    ASSERT_EQ(parser.parse_head(kPost + "Transfer-Encoding: chunked\r\n\r\n"), State::kComplete);
    std::string body;
    std::size_t consumed = 0;
    ASSERT_EQ(parser.parse_body("3\r\nabc\r\n0\r\n\r\n", &body, 10, Refusal::kBodyTooLarge, consumed),
              State::kComplete);
    EXPECT_EQ(body, "abc");
    parser.reset();
  }
}

TEST(RequestParser, KnowsMethodsByTheirExactName) {
  Limits limits;
  for (const auto& [text, known] : std::vector<std::pair<std::string, bool>>{
           {"GET", true}, {"DELETE", true}, {"get", false}, {"GETX", false}, {"PROPFIND", false}}) {
    RequestParser parser(limits);
    ASSERT_EQ(parser.parse_head(text + " / HTTP/1.1\r\nHost: a\r\n\r\n"), State::kComplete) << text;
    EXPECT_EQ(parser.head().method.has_value(), known) << text;
  }
}

TEST(RequestParser, ItsTextOfTheHeadIsReadTheSameByAnother) {
  const Limits limits;
  RequestParser parser(limits);
  EXPECT_EQ(parser.head_text(), "");
  const std::string head = "HEAD /a?b HTTP/1.9\r\nHost: a\r\nX-Y:  z \r\n\r\n";
  ASSERT_EQ(parser.parse_head(head.substr(0, head.size() - 1)), State::kMore);
  EXPECT_EQ(parser.head_text(), "");
  ASSERT_EQ(parser.parse_head(head + "body"), State::kComplete);
  EXPECT_EQ(parser.head_text(), "HEAD /a?b HTTP/1.1\r\nHost: a\r\nX-Y:  z \r\n\r\n");
  RequestParser other(limits);
  ASSERT_EQ(other.parse_head(parser.head_text()), State::kComplete);
  EXPECT_EQ(other.head_text(), parser.head_text());
  EXPECT_EQ(other.head().method, Method::kHead);
  EXPECT_EQ(other.head().fields.back().value, "z");
  parser.reset();
  EXPECT_EQ(parser.head_text(), "");
}

TEST(RequestParser, ALaterMinorVersionIsReadAs11) {
  EXPECT_EQ(parse_every_way("GET / HTTP/1.9\r\nHost: a\r\n\r\n").state, State::kComplete);
  EXPECT_TRUE(parse_every_way("GET / HTTP/1.0\r\n\r\n").http_1_0);
  EXPECT_EQ(parse_every_way("GET / HTTP/2.0\r\nHost: a\r\n\r\n").refusal, Refusal::kUnsupportedVersion);
}

TEST(RequestParser, CountsABody) {
  const Parsed parsed = parse_every_way(kPost + "Content-Length: 5\r\n\r\nhelloGET /");
  EXPECT_EQ(parsed.state, State::kComplete);
  EXPECT_EQ(parsed.body, "hello");
  EXPECT_EQ(parse_every_way(kPost + "Content-Length: 5\r\n\r\nhell").state, State::kMore);
  EXPECT_EQ(parse_every_way(kPost + "Content-Length: 5\r\n\r\nhello", 5).state, State::kComplete);
  EXPECT_EQ(parse_every_way(kPost + "Content-Length: 6\r\n\r\nhello!", 5).refusal, Refusal::kBodyTooLarge);
}

TEST(RequestParser, DecodesChunks) {
  const std::string head = kPost + "Transfer-Encoding: chunked\r\n\r\n";
  const Parsed parsed =
      parse_every_way(head + "5\r\nhello\r\n6;ext=1;q=\"x\"\r\n world\r\n0\r\nTrailer: x\r\n\r\nnext");
  EXPECT_EQ(parsed.state, State::kComplete);
  EXPECT_EQ(parsed.body, "hello world");
  EXPECT_EQ(parsed.fields, 2U) << "trailer fields are not header fields";
  EXPECT_EQ(parse_every_way(head + "A\r\n0123456789\r\n00\r\n\r\n").body, "0123456789");
  EXPECT_EQ(parse_every_way(head + "5\r\nhello\r\n0\r\n\r\n", 5).state, State::kComplete);
  EXPECT_EQ(parse_every_way(head + "5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", 5).refusal, Refusal::kBodyTooLarge);
}

TEST(RequestParser, LineFeedsInChunkDataAreData) {
  const std::string head = kPost + "Transfer-Encoding: chunked\r\n\r\n";
  for (const std::string& data :
       std::vector<std::string>{"{\n}\n", "\n", "\n\n\n\n\n\n\n\n", "a\nb", "\r\n\n", "0\n"}) {
    const std::string size(1, "0123456789"[data.size()]);
    const Parsed parsed =
        parse_every_way(head + size + "\r\n" + data + "\r\n" + size + "\r\n" + data + "\r\n0\r\n\r\n");
    EXPECT_EQ(parsed.state, State::kComplete) << data;
    EXPECT_EQ(parsed.body, data + data);
  }
  EXPECT_EQ(parse_every_way(head + "0\r\n\r\n").state, State::kComplete);
}

TEST(RequestParser, RefusesBadChunks) {
  const std::string head = kPost + "Transfer-Encoding: chunked\r\n\r\n";
  for (const std::string_view bad :
       {"x\r\n", "-1\r\nx", "5\nhello\r\n", "5\r\nhelloX", "5\r\nhello\n0\r\n\r\n", " 5\r\nhello\r\n",
        "ffffffffffffffff1\r\nx", "0x5\r\nhello\r\n", ";a\r\n"}) {
    const Parsed parsed = parse(head + std::string(bad) + "\r\n\r\n\r\n", 1000);
    EXPECT_EQ(parsed.state, State::kRefused) << bad;
    EXPECT_EQ(describe(parsed.refusal).status, 400) << bad;
  }
}

TEST(RequestParser, ABareLineFeedInAChunkLineIsRefusedAtOnce) {
  EXPECT_EQ(parse_every_way(kPost + "Transfer-Encoding: chunked\r\n\r\n5\nhello").refusal,
            Refusal::kMalformedChunk);
}

TEST(RequestParser, AnEndlessChunkExtensionIsRefused) {
  const std::string text = kPost + "Transfer-Encoding: chunked\r\n\r\n5;" + std::string(2000, 'a');
  EXPECT_EQ(parse_every_way(text).refusal, Refusal::kChunkExtensionsTooLarge);
}

TEST(RequestParser, ChunkExtensionsHoldNoControls) {
  const std::string head = kPost + "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(parse_every_way(head + "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n").refusal, Refusal::kMalformedChunk);
  EXPECT_EQ(parse_every_way(head + "5;a=\"\x01\"\r\nhello\r\n0\r\n\r\n").refusal, Refusal::kMalformedChunk);
  EXPECT_EQ(parse_every_way(head + "5;a=\"\t b\"\r\nhello\r\n0\r\n\r\n").state, State::kComplete);
  EXPECT_EQ(parse_every_way(head + "5;a=" + std::string(1021, 'x') + "\r\nhello\r\n0\r\n\r\n").state,
            State::kComplete);
  EXPECT_EQ(parse_every_way(head + "5;a=" + std::string(1022, 'x') + "\r\nhello\r\n0\r\n\r\n").refusal,
            Refusal::kChunkExtensionsTooLarge);
}

TEST(RequestParser, AChunkOverTheLimitIsRefusedBeforeItComes) {
  const std::string head = kPost + "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(parse_every_way(head + "FFFFFFFFFFFFFFFF\r\n").refusal, Refusal::kBodyTooLarge);
  EXPECT_EQ(parse_every_way(head + "b\r\nabcdef", 10).refusal, Refusal::kBodyTooLarge);
  EXPECT_EQ(parse_every_way(head + "a\r\nabcdef", 10).state, State::kMore);
}

TEST(RequestParser, WhatDecidesFirstIsTheVerdictInOnePieceToo) {
  const std::string head = kPost + "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(parse_every_way(head + "b\r\nhello world\r\nno chunk", 10).refusal, Refusal::kBodyTooLarge);
  EXPECT_EQ(parse_every_way(head + "a\r\nhello worlX", 10).refusal, Refusal::kMalformedChunk);
}

TEST(RequestParser, TrailersKeepTheirLimits) {
  const std::string head = kPost + "Transfer-Encoding: chunked\r\n\r\n0\r\n";
  const auto lines = [](int count) {
    std::string text;
    for (int i = 0; i < count; ++i)
      text += "A: b\r\n";
    return text + "\r\n";
  };
  EXPECT_EQ(parse_every_way(head + lines(20)).state, State::kComplete);
  EXPECT_EQ(parse_every_way(head + lines(21)).refusal, Refusal::kTooManyTrailerFields);
  EXPECT_EQ(parse_every_way(head + "A: " + std::string(4091, 'x') + "\r\n\r\n").state, State::kComplete);
  EXPECT_EQ(parse_every_way(head + "A: " + std::string(4092, 'x') + "\r\n\r\n").refusal,
            Refusal::kTrailerTooLarge);
  EXPECT_EQ(parse_every_way(head + "X: y\r\n z\r\n\r\n").refusal, Refusal::kObsoleteFold);
  EXPECT_EQ(parse_every_way(head + "X:\r\n\r\n").state, State::kComplete);
  for (const std::string_view framing : {"Content-Length: 0", "Transfer-Encoding: chunked", "Host: a"})
    EXPECT_EQ(describe(parse_every_way(head + std::string(framing) + "\r\n\r\n").refusal).status, 400)
        << framing;
}

TEST(RequestParser, RefusesWhatCouldBeFramedInTwoWays) {
  for (const std::string_view bad :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5, 5\r\n", "Content-Length: +5\r\n",
        "Content-Length : 5\r\n", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n", "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding: \"chunked\r\n"}) {
    const Parsed parsed = parse_every_way(kPost + std::string(bad) + "\r\n");
    EXPECT_EQ(parsed.state, State::kRefused) << bad;
  }
  EXPECT_EQ(parse_every_way(kPost + "Transfer-Encoding: gzip, chunked\r\n\r\n").refusal,
            Refusal::kUnknownTransferCoding);
  EXPECT_EQ(parse_every_way(kPost + "Transfer-Encoding: xchunked\r\n\r\n").refusal,
            Refusal::kInvalidTransferEncoding);
  EXPECT_EQ(parse_every_way("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").refusal,
            Refusal::kInvalidTransferEncoding);
  EXPECT_EQ(parse_every_way(kPost + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n").refusal,
            Refusal::kConflictingLengths);
  EXPECT_EQ(parse_every_way(kPost + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n").refusal,
            Refusal::kConflictingLengths);
}

TEST(RequestParser, RefusesBadFields) {
  const std::vector<std::string> bad_lines{"X : y\r\n",    ": y\r\n",     "X\r\n",
                                           "X y: z\r\n",   "X: a\rb\r\n", "X: \x01\r\n",
                                           "X\x80: y\r\n", "X: \x7f\r\n", std::string("X: a\0b\r\n", 8)};
  for (const std::string& bad : bad_lines)
    EXPECT_EQ(parse_every_way(kPost + bad + "\r\n").state, State::kRefused) << bad;
  EXPECT_EQ(parse_every_way("GET / HTTP/1.1\r\n\r\n").refusal, Refusal::kMissingHost);
  EXPECT_EQ(parse_every_way(kPost + "Host: a\r\n\r\n").refusal, Refusal::kInvalidHost);
}

TEST(RequestParser, TellsTheMethodOfAHeadThatIsRefused) {
  const Limits limits;
  RequestParser parser(limits);
  for (const std::string_view text :
       {"HEAD /\x80", "HEAD / HTTP/1.1\r\n X: y\r\n", "HEAD / HTTP/1.1\r\nX\r\n\r\n"}) {
    EXPECT_EQ(parser.parse_head(text), State::kRefused) << text;
    parser.read_method(text);
    EXPECT_EQ(parser.head().method, Method::kHead) << text;
    parser.reset();
  }
  EXPECT_EQ(parser.parse_head("HEA"), State::kMore);
  parser.read_method("HEA");
  EXPECT_FALSE(parser.head().method);
  ASSERT_EQ(parser.parse_head("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), State::kComplete);
  parser.read_method("HEAD / HTTP/1.1\r\n");
  EXPECT_EQ(parser.head().method, Method::kGet) << "what comes behind the head is another request";
}

TEST(RequestParser, TheTargetsAuthorityIsTheHost) {
  const Limits limits;
  RequestParser parser(limits);
  const std::string text = "GET http://a.example:80/x HTTP/1.1\r\nHost: b.example\r\n\r\n";
  ASSERT_EQ(parser.parse_head(text), State::kComplete);
  EXPECT_EQ(parser.head().fields[0].value, "a.example:80");
  EXPECT_EQ(parse_every_way("GET http://a/ HTTP/1.1\r\nHost: b/c\r\n\r\n").refusal, Refusal::kInvalidHost);
}

TEST(RequestParser, RefusesBadTargets) {
  for (const std::string_view bad : {"*", "a", "//", "/%zz", "/#x", "/a|b", "http:///x", "a:80"}) {
    const State state = parse_every_way("GET " + std::string(bad) + " HTTP/1.1\r\nHost: a\r\n\r\n").state;
    EXPECT_EQ(state, bad == "//" ? State::kComplete : State::kRefused) << bad;
  }
  EXPECT_EQ(parse_every_way("GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n").state, State::kComplete);
  EXPECT_EQ(parse_every_way("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").state, State::kComplete);
}

}  // namespace
}  // namespace httpd::http
