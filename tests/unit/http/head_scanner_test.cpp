// SPDX-License-Identifier: GPL-2.0-or-later
#include "http/head_scanner.h"

#include <gtest/gtest.h>
#include <string>

namespace httpd::http {
namespace {

/// Scans `text` as it would arrive in fragments of `step` bytes; the refusal, or kNone with `size` set when
/// done.
Refusal scan(const std::string& text, std::size_t step, std::size_t& size, const Limits& limits = {}) {
  HeadScanner scanner(limits);
  size = 0;
  for (std::size_t end = 0; end < text.size();) {
    end = std::min(end + step, text.size());
    if (scanner.scan(std::string_view(text).substr(0, end))) {
      size = scanner.size();
      return Refusal::kNone;
    }
    if (scanner.refusal() != Refusal::kNone) return scanner.refusal();
  }
  return Refusal::kNone;
}

Refusal scan_every_way(const std::string& text, std::size_t& size, const Limits& limits = {}) {
  const Refusal whole = scan(text, text.size(), size, limits);
  for (const std::size_t step : {1U, 2U, 3U, 7U, 64U}) {
    std::size_t fragmented = 0;
    EXPECT_EQ(scan(text, step, fragmented, limits), whole) << step;
    EXPECT_EQ(fragmented, size) << step;
  }
  return whole;
}

TEST(HeadScanner, FindsTheEndWhateverFollows) {
  const std::string head = "GET /mi HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";
  std::size_t size = 0;
  EXPECT_EQ(scan_every_way(head, size), Refusal::kNone);
  EXPECT_EQ(size, head.size());
  EXPECT_EQ(scan_every_way(head + "\r\n\r\nmore", size), Refusal::kNone);
  EXPECT_EQ(size, head.size());
  EXPECT_EQ(scan_every_way("GET / HTTP/1.0\r\n\r\n", size), Refusal::kNone);
  EXPECT_EQ(size, 18U);
}

TEST(HeadScanner, WaitsForAnUnfinishedHead) {
  const std::string head = "GET /mi HTTP/1.1\r\nHost: a\r\n\r\n";
  for (std::size_t cut = 0; cut < head.size(); ++cut) {
    std::size_t size = 0;
    EXPECT_EQ(scan_every_way(head.substr(0, cut), size), Refusal::kNone) << cut;
    EXPECT_EQ(size, 0U) << cut;
  }
}

struct Bad {
  std::string text;
  Refusal refusal;
};

class BadHeads : public ::testing::TestWithParam<Bad> {};

TEST_P(BadHeads, IsRefusedAlikeInOnePieceAndInFragments) {
  std::size_t size = 0;
  EXPECT_EQ(scan_every_way(GetParam().text, size), GetParam().refusal) << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    All, BadHeads,
    ::testing::Values(Bad{"\x16\x03\x01", Refusal::kMalformedRequestLine},
                      Bad{" GET / HTTP/1.1\r\n", Refusal::kMalformedRequestLine},
                      Bad{"GET(/ HTTP/1.1\r\n", Refusal::kMalformedRequestLine},
                      Bad{"GET  / HTTP/1.1\r\n", Refusal::kMalformedRequestLine},
                      Bad{"GET /  HTTP/1.1\r\n", Refusal::kMalformedRequestLine},
                      Bad{"GET /a b HTTP/1.1\r\n", Refusal::kMalformedRequestLine},
                      Bad{"GET /\r\n", Refusal::kMalformedRequestLine},
                      Bad{"GET / \r\n", Refusal::kMalformedRequestLine},
                      Bad{"GET /\tx HTTP/1.1\r\n", Refusal::kMalformedTarget},
                      Bad{"GET /\x80 HTTP/1.1\r\n", Refusal::kMalformedTarget},
                      Bad{std::string("GET /\0 HTTP/1.1\r\n", 17), Refusal::kMalformedTarget},
                      Bad{"GET / http/1.1\r\n", Refusal::kMalformedRequestLine},
                      Bad{"GET / HTTP/1.10\r\n", Refusal::kMalformedRequestLine},
                      Bad{"GET / HTTP/11\r\n", Refusal::kMalformedRequestLine},
                      Bad{"GET / HTTP/1.1 \r\n", Refusal::kMalformedRequestLine},
                      Bad{"GET / HTTP/1.1\n", Refusal::kBareLineEnding},
                      Bad{"GET / HTTP/2.0\r\n", Refusal::kUnsupportedVersion},
                      Bad{"GET / HTTP/0.9\r\n", Refusal::kUnsupportedVersion},
                      Bad{"GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n", Refusal::kBareLineEnding},
                      Bad{"GET / HTTP/1.1\r\nA: b\r\n\n", Refusal::kBareLineEnding},
                      Bad{"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n", Refusal::kObsoleteFold},
                      Bad{"GET / HTTP/1.1\r\n\tA: b\r\n\r\n", Refusal::kObsoleteFold},
                      Bad{std::string(33, 'A') + " / HTTP/1.1\r\n", Refusal::kUnknownMethod}));

TEST(HeadScanner, KeepsEachLimitExactly) {
  Limits limits;
  limits.max_uri_size = 100;
  limits.max_header_size = 1000;
  limits.max_header_fields = 3;
  std::size_t size = 0;
  const auto with_target = [](std::size_t length) {
    return "GET /" + std::string(length - 1, 'a') + " HTTP/1.1\r\nA: b\r\n\r\n";
  };
  EXPECT_EQ(scan_every_way(with_target(100), size, limits), Refusal::kNone);
  EXPECT_GT(size, 0U);
  EXPECT_EQ(scan_every_way(with_target(101), size, limits), Refusal::kTargetTooLong);

  const std::string request_line = "GET / HTTP/1.1\r\n";
  const auto with_size = [&request_line](std::size_t length) {
    return request_line + "A: " + std::string(length - 5, 'a') + "\r\n\r\n";
  };
  EXPECT_EQ(scan_every_way(with_size(1000), size, limits), Refusal::kNone);
  EXPECT_EQ(size, request_line.size() + 1000 + 2) << "neither request line nor empty line count";
  EXPECT_EQ(scan_every_way(with_size(1001), size, limits), Refusal::kHeaderTooLarge);
  EXPECT_EQ(scan_every_way("GET / HTTP/1.1\r\nA: " + std::string(2000, 'a'), size, limits),
            Refusal::kHeaderTooLarge);

  const std::string line = "A: b\r\n";
  EXPECT_EQ(scan_every_way("GET / HTTP/1.1\r\n" + line + line + line + "\r\n", size, limits), Refusal::kNone);
  EXPECT_GT(size, 0U);
  EXPECT_EQ(scan_every_way("GET / HTTP/1.1\r\n" + line + line + line + line + "\r\n", size, limits),
            Refusal::kTooManyFields);
}

TEST(LeadingEmptyLines, AreCountedWhole) {
  EXPECT_EQ(leading_empty_lines(""), 0U);
  EXPECT_EQ(leading_empty_lines("\r"), 0U);
  EXPECT_EQ(leading_empty_lines("\r\nGET"), 2U);
  EXPECT_EQ(leading_empty_lines("\r\n\r\n\r"), 4U);
  EXPECT_EQ(leading_empty_lines("\n"), 0U);
}

}  // namespace
}  // namespace httpd::http
