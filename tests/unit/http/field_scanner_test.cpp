// Tests of the end and the limits of sections of field lines. SPDX-License-Identifier: GPL-2.0-or-later
#include "http/field_scanner.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>

namespace httpd::http {
namespace {

constexpr FieldScanner::Limits kLimits{20, 3, Refusal::kTrailerTooLarge, Refusal::kTooManyTrailerFields};

/// What becomes of `text` in fragments of `step` bytes: a refusal, or the size of the section (0:
/// unfinished).
struct Verdict {
  Refusal refusal = Refusal::kNone;
  std::size_t size = 0;
  bool operator==(const Verdict&) const = default;
};

Verdict scan(const std::string& text, std::size_t step) {
  FieldScanner scanner;
  for (std::size_t end = 0; end < text.size();) {
    end = std::min(end + step, text.size());
    if (scanner.scan(std::string_view(text).substr(0, end), kLimits)) return {Refusal::kNone, scanner.size()};
    if (scanner.refusal() != Refusal::kNone) return {scanner.refusal(), 0};
  }
  return {};
}

Verdict scan_every_way(const std::string& text) {
  const Verdict whole = scan(text, text.size());
  for (const std::size_t step : {1U, 2U, 3U, 7U})
    EXPECT_EQ(scan(text, step), whole) << step << ": " << text;
  return whole;
}

TEST(FieldScanner, FindsTheEmptyLine) {
  EXPECT_EQ(scan_every_way("\r\n"), (Verdict{Refusal::kNone, 2}));
  EXPECT_EQ(scan_every_way("A: b\r\n\r\nmore\n"), (Verdict{Refusal::kNone, 8}));
  for (const std::string unfinished : {"\r", "A: b", "A: b\r", "A: b\r\n", "A: b\r\n\r"})
    EXPECT_EQ(scan_every_way(unfinished), Verdict{}) << unfinished;
}

TEST(FieldScanner, KeepsTheSizeExactly) {
  const std::string fits(15, 'x');
  EXPECT_EQ(scan_every_way("A: " + fits + "\r\n\r\n"), (Verdict{Refusal::kNone, 22}));
  EXPECT_EQ(scan_every_way("A: x" + fits + "\r\n\r\n").refusal, Refusal::kTrailerTooLarge);
  EXPECT_EQ(scan_every_way("A: " + std::string(30, 'x')).refusal, Refusal::kTrailerTooLarge);
  EXPECT_EQ(scan_every_way("A: b\r\nB: " + std::string(9, 'x') + "\r\n\r\n").size, 22U);
  EXPECT_EQ(scan_every_way("A: b\r\nB: " + std::string(10, 'x') + "\r\n\r\n").refusal,
            Refusal::kTrailerTooLarge);
}

TEST(FieldScanner, KeepsTheNumberExactly) {
  EXPECT_EQ(scan_every_way("A:\r\nB:\r\nC:\r\n\r\n").size, 14U);
  EXPECT_EQ(scan_every_way("A:\r\nB:\r\nC:\r\nD:\r\n\r\n").refusal, Refusal::kTooManyTrailerFields);
}

TEST(FieldScanner, RefusesLinesThatTwoReadersWouldEndDifferently) {
  for (const std::string bare : {"\n", "A: b\n", "A: b\r\nB\n", "\n\r\n", "A\r\r\n\n"})
    EXPECT_EQ(scan_every_way(bare).refusal, Refusal::kBareLineEnding) << bare;
  for (const std::string folded : {" A: b\r\n", "A: b\r\n\tc\r\n"})
    EXPECT_EQ(scan_every_way(folded).refusal, Refusal::kObsoleteFold) << folded;
}

}  // namespace
}  // namespace httpd::http
