// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/text.h"

#include <gtest/gtest.h>
#include <limits>

namespace httpd::console {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;

std::string html(std::string_view text) {
  std::string out = ">";
  append_html(text, out);
  return out.substr(1);
}

TEST(ConsoleText, IsOnlyTextInHtml) {
  EXPECT_EQ(html(""), "");
  EXPECT_EQ(html("GET /a?b=c HTTP/1.1"), "GET /a?b=c HTTP/1.1");
  EXPECT_EQ(html("<script>alert('x')</script>"), "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;");
  EXPECT_EQ(html("\" onload=\"x"), "&quot; onload=&quot;x");
  EXPECT_EQ(html("&lt;&"), "&amp;lt;&amp;");
  EXPECT_EQ(html("&#60;script&#62;"), "&amp;#60;script&amp;#62;");
}

TEST(ConsoleText, IsUtf8WithoutControlsInHtml) {
  constexpr std::string_view kBad = "\xEF\xBF\xBD";
  EXPECT_EQ(html("M\xC3\xBCller \xE2\x82\xAC \xF0\x9F\x93\x9E"),
            "M\xC3\xBCller \xE2\x82\xAC \xF0\x9F\x93\x9E");
  for (int control = 0; control < 0xA0; control = control == 0x1F ? 0x7F : control + 1) {
    const std::string text = control < 0x80 ? std::string(1, static_cast<char>(control))
                                            : std::string("\xC2") + static_cast<char>(control);
    EXPECT_EQ(html("a" + text + "b"), "a" + std::string(kBad) + "b") << control;
  }
  // Alone, cut off, longer than needed, surrogates, beyond Unicode, never possible: and what follows stays.
  for (const std::string_view bytes :
       {"\x80"sv, "\xC3"sv, "\xE2\x82"sv, "\xF0\x9F\x93"sv, "\xC0\xBC"sv, "\xE0\x80\xBC"sv,
        "\xF0\x80\x80\xBC"sv, "\xED\xA0\x80"sv, "\xF4\x90\x80\x80"sv, "\xF5\x80\x80\x80"sv, "\xFF"sv}) {
    std::string expected;
    for (std::size_t i = 0; i < bytes.size(); ++i)
      expected += kBad;
    EXPECT_EQ(html(std::string(bytes) + "<"), expected + "&lt;");
    EXPECT_EQ(html(bytes), expected) << "also where the text ends";
  }
}

TEST(ConsoleText, IsCutBetweenCharacters) {
  EXPECT_EQ(clipped("12345678", 8), "12345678");
  EXPECT_EQ(clipped("123456789", 8), "12345...");
  EXPECT_EQ(clipped("1234\xC3\xBC"
                    "6789",
                    8),
            "1234...");
  EXPECT_EQ(clipped("123\xC3\xBC"
                    "6789",
                    8),
            "123\xC3\xBC...");
  EXPECT_EQ(clipped("\x80\x80\x80\x80\x80\x80\x80\x80\x80", 8), "...");
}

TEST(ConsoleText, Rates) {
  EXPECT_EQ(rate_text(0), "0");
  EXPECT_EQ(rate_text(12.34), "12.3");
  EXPECT_EQ(rate_text(1), "1.0");
  EXPECT_EQ(rate_text(123456789.04), "123456789.0");
  EXPECT_EQ(decimal(std::numeric_limits<double>::max(), 1).size(), 311U);
}

TEST(ConsoleText, Times) {
  EXPECT_EQ(utc_text(0), "1970-01-01 00:00:00");
  EXPECT_EQ(utc_text(1774994399), "2026-03-31 21:59:59");
  EXPECT_EQ(utc_text(253402300799), "9999-12-31 23:59:59");
  EXPECT_EQ(utc_text(253402300800), "");
  EXPECT_EQ(utc_text(std::numeric_limits<std::time_t>::max()), "");
}

TEST(ConsoleText, Ages) {
  EXPECT_EQ(age_text(-5ms), "0.0 s");
  EXPECT_EQ(age_text(99ms), "0.0 s");
  EXPECT_EQ(age_text(3250ms), "3.2 s");
  EXPECT_EQ(age_text(59'999ms), "59.9 s");
  EXPECT_EQ(age_text(60s), "1 min 0 s");
  EXPECT_EQ(age_text(250s), "4 min 10 s");
  EXPECT_EQ(age_text(1h), "1 h 0 min");
  EXPECT_EQ(age_text(23h + 59min + 59s), "23 h 59 min");
  EXPECT_EQ(age_text(24h), "1 d 0 h");
  EXPECT_EQ(age_text(24h * 400 + 7h), "400 d 7 h");
}

TEST(ConsoleText, Durations) {
  const auto text = [](double seconds) { return duration_text(std::chrono::duration<double>(seconds)); };
  EXPECT_EQ(text(0), "0.00 µs");
  EXPECT_EQ(text(0.0000853), "85.3 µs");
  EXPECT_EQ(text(0.000853), "853 µs");
  EXPECT_EQ(text(0.00099949), "999 µs");
  EXPECT_EQ(text(0.0009996), "1.00 ms");
  EXPECT_EQ(text(0.0123), "12.3 ms");
  EXPECT_EQ(text(0.99949), "999 ms");
  EXPECT_EQ(text(0.9996), "1.00 s");
  EXPECT_EQ(text(9.994), "9.99 s");
  EXPECT_EQ(text(9.996), "10.0 s");
  EXPECT_EQ(text(99.96), "100 s");
  EXPECT_EQ(text(12345.6), "12346 s");
}

}  // namespace
}  // namespace httpd::console
