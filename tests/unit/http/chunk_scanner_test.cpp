// Tests of the check of chunked bodies. SPDX-License-Identifier: GPL-2.0-or-later
#include "http/chunk_scanner.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <string_view>

namespace httpd::http {
namespace {

struct Verdict {
  Refusal refusal = Refusal::kNone;
  bool complete = false;
  bool operator==(const Verdict&) const = default;
};

constexpr std::uint64_t kBodyLimit = 1000;

Verdict scan(std::string_view text, std::size_t step, const Limits& limits) {
  ChunkScanner scanner(limits);
  std::size_t seen = 0;
  for (std::size_t end = 0; end < text.size(); seen = end) {
    end = std::min(end + step, text.size());
    if (scanner.scan(text.substr(0, end), seen, kBodyLimit, Refusal::kFormTooLarge))
      return {Refusal::kNone, true};
    if (scanner.refusal() != Refusal::kNone) return {scanner.refusal(), false};
  }
  return {};
}

Verdict scan_every_way(std::string_view text, const Limits& limits = {}) {
  const Verdict whole = scan(text, text.size(), limits);
  for (const std::size_t step : {1U, 2U, 3U, 7U})
    EXPECT_EQ(scan(text, step, limits), whole) << step << ": " << text;
  return whole;
}

constexpr Verdict kComplete{Refusal::kNone, true};
constexpr Verdict kMore{};
constexpr Verdict kMalformed{Refusal::kMalformedChunk, false};

TEST(ChunkScanner, TakesWhatTheGrammarAllows) {
  for (const std::string_view good :
       {"0\r\n\r\n", "000\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "A\r\n0123456789\r\n0\r\n\r\n",
        "a\r\n\r\n\r\n\r\n0\r\n0\r\n0\r\n\r\n", "0;a\r\n\r\n", "0 ; a = b ; c=\"d;\\\"\\\\\"\r\n\r\n",
        "0;a=\"\"\r\n\r\n", "0;a=\" \t\x80\";b\r\n\r\n", "0\t;\ta\t=\tb\r\n\r\n", "0\r\nA: b\r\nC:\r\n\r\n"})
    EXPECT_EQ(scan_every_way(good), kComplete) << good;
}

TEST(ChunkScanner, WaitsForTheRest) {
  const std::string_view whole = "5;a=\"b\"\r\nhello\r\n0\r\nA: b\r\n\r\n";
  for (std::size_t cut = 0; cut < whole.size(); ++cut)
    EXPECT_EQ(scan_every_way(whole.substr(0, cut)), kMore) << cut;
  EXPECT_EQ(scan_every_way(whole), kComplete);
  EXPECT_EQ(scan_every_way(std::string(whole) + "GET / HTTP/1.1\n"), kComplete);
}

TEST(ChunkScanner, RefusesTheRest) {
  for (const std::string_view bad : {"\r\n",
                                     " 5\r\n",
                                     "x",
                                     "-1",
                                     "+1",
                                     "0x5",
                                     "5 \r\n",
                                     "5\t\r\n",
                                     "5\n",
                                     "5\r\r\n",
                                     "5;\r\n",
                                     "5; \r\n",
                                     "5;;a\r\n",
                                     "5;=b\r\n",
                                     "5;a=\r\n",
                                     "5;a=b c\r\n",
                                     "5;a b\r\n",
                                     "5;a \r\n",
                                     "5;a=b \r\n",
                                     "5;a=\"b\r\n",
                                     "5;a=\"b\"c\r\n",
                                     "5;a=\"\n\"\r\n",
                                     "5;a=\"\x01\"",
                                     "5;a=\"\x7f\"",
                                     "5;a=\"\\\n",
                                     "5;a\n",
                                     "5,a\r\n",
                                     "5;(\r\n",
                                     "5;a=b=c\r\n",
                                     "5\r\nhelloX",
                                     "5\r\nhello\n",
                                     "5\r\nhello\rX",
                                     "5\r\nhello\r\n\r\n"})
    EXPECT_EQ(scan_every_way(bad), kMalformed) << bad;
  EXPECT_EQ(scan_every_way(std::string_view("5;a=\"\0", 6)), kMalformed);
}

TEST(ChunkScanner, SizesAreCheckedForOverflow) {
  EXPECT_EQ(scan_every_way("FFFFFFFFFFFFFFFF\r\n").refusal, Refusal::kFormTooLarge);
  EXPECT_EQ(scan_every_way("10000000000000000"), kMalformed);
  EXPECT_EQ(scan_every_way("0000000000000000000005\r\nhello\r\n0\r\n\r\n"), kComplete);
  EXPECT_EQ(scan_every_way(std::string(64, '0') + "\r\n\r\n"), kComplete);
  EXPECT_EQ(scan_every_way(std::string(65, '0')), kMalformed);
}

TEST(ChunkScanner, TheBodyLimitCountsAllChunks) {
  const std::string data(500, 'x');
  const std::string chunk = "1f4\r\n" + data + "\r\n";
  EXPECT_EQ(scan_every_way(chunk + chunk + "0\r\n\r\n"), kComplete);
  EXPECT_EQ(scan_every_way(chunk + chunk + "1\r\n").refusal, Refusal::kFormTooLarge);
  EXPECT_EQ(scan_every_way("3e9\r\n").refusal, Refusal::kFormTooLarge);
}

TEST(ChunkScanner, ExtensionsAreCountedOverAllChunks) {
  Limits limits;
  limits.max_chunk_extension_size = 6;
  EXPECT_EQ(scan_every_way("1;ab\r\nx\r\n0;cd\r\n\r\n", limits), kComplete);
  EXPECT_EQ(scan_every_way("1;ab\r\nx\r\n0;cde\r\n\r\n", limits).refusal, Refusal::kChunkExtensionsTooLarge);
  EXPECT_EQ(scan_every_way("1 ;a=\"b", limits), kMore);
  EXPECT_EQ(scan_every_way("1 ;a=\"bc", limits).refusal, Refusal::kChunkExtensionsTooLarge);
  limits.max_chunk_extension_size = 0;
  EXPECT_EQ(scan_every_way("0\r\n\r\n", limits), kComplete);
  EXPECT_EQ(scan_every_way("0;", limits).refusal, Refusal::kChunkExtensionsTooLarge);
}

TEST(ChunkScanner, TrailersHaveLimitsOfTheirOwn) {
  Limits limits;
  limits.max_trailer_size = 10;
  limits.max_trailer_fields = 2;
  EXPECT_EQ(scan_every_way("0\r\nA:\r\nB: c\r\n\r\n", limits), kComplete);
  EXPECT_EQ(scan_every_way("0\r\nA: \r\nB: c\r\n\r\n", limits).refusal, Refusal::kTrailerTooLarge);
  EXPECT_EQ(scan_every_way("0\r\nA: 12345678", limits).refusal, Refusal::kTrailerTooLarge);
  limits.max_trailer_size = 100;
  EXPECT_EQ(scan_every_way("0\r\nA:\r\nB:\r\nC:\r\n\r\n", limits).refusal, Refusal::kTooManyTrailerFields);
  EXPECT_EQ(scan_every_way("0\r\nA: b\r\n c\r\n\r\n", limits).refusal, Refusal::kObsoleteFold);
  EXPECT_EQ(scan_every_way("0\r\nA: b\n", limits).refusal, Refusal::kBareLineEnding);
}

TEST(ChunkScanner, InputThatWasConsumedMayBeGone) {
  const Limits limits;
  ChunkScanner scanner(limits);
  EXPECT_FALSE(scanner.scan("5\r\nhel", 0, kBodyLimit, Refusal::kBodyTooLarge));
  EXPECT_FALSE(scanner.scan("lo\r\n0\r\nA: b", 0, kBodyLimit, Refusal::kBodyTooLarge));
  EXPECT_TRUE(scanner.scan("0\r\nA: b\r\n\r\n", 7, kBodyLimit, Refusal::kBodyTooLarge));
  EXPECT_EQ(scanner.refusal(), Refusal::kNone);
  scanner.reset();
  EXPECT_TRUE(scanner.scan("0\r\n\r\n", 0, kBodyLimit, Refusal::kBodyTooLarge));
}

}  // namespace
}  // namespace httpd::http
