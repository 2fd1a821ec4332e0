// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/page_template.h"

#include <gtest/gtest.h>

#include <httpd/module.h>

namespace httpd::console {
namespace {

const Numbers& names() {
  static const Numbers kNames{{"time", ""}, {"httpd:requests", ""}, {"httpd:requests/s", ""}};
  return kNames;
}

std::string fill(std::string_view text, const Snapshot& snapshot = {}, std::string_view mi = {}) {
  return PageTemplate(text, names()).fill(snapshot, mi, "b1");
}

std::string error_of(std::string_view text) {
  try {
    static_cast<void>(PageTemplate(text, names()));
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "none";
}

TEST(ConsolePageTemplate, IsFilled) {
  const Snapshot snapshot{{{"time", "now"}, {"httpd:requests", "7"}, {"httpd:requests/s", "1.5"}}, {}};
  EXPECT_EQ(fill("", snapshot), "");
  EXPECT_EQ(fill("no gap { } }}", snapshot), "no gap { } }}");
  EXPECT_EQ(fill("{{number time}}{{number httpd:requests}}", snapshot), "now7");
  EXPECT_EQ(fill("a {{number httpd:requests/s}} b {{build}} c\n", snapshot), "a 1.5 b b1 c\n");
  EXPECT_EQ(fill("<body data-mi=\"{{mi}}\">", snapshot, "../mi"), "<body data-mi=\"../mi\">");
  EXPECT_EQ(fill("<body data-mi=\"{{mi}}\">", snapshot), "<body data-mi=\"\">");
  EXPECT_EQ(fill("{{number time}}"), "") << "a number that is gone is no text";
}

TEST(ConsolePageTemplate, Tables) {
  Snapshot snapshot;
  snapshot.tables[kClients] = {{{"192.0.2.1"}, {"3", Cell::State::kWarning}},
                               {{"192.0.2.2"}, {"1", Cell::State::kBad}}};
  EXPECT_EQ(fill("<tbody>{{table clients}}</tbody>", snapshot),
            "<tbody><tr><td>192.0.2.1</td><td data-state=\"warning\">3</td></tr>\n"
            "<tr><td>192.0.2.2</td><td data-state=\"bad\">1</td></tr>\n</tbody>");
  for (const TableKind& kind : kTableKinds)
    EXPECT_EQ(fill("{{table " + std::string(kind.name) + "}}"),
              "<tr class=\"none\"><td colspan=\"" + std::to_string(kind.columns) + "\">none</td></tr>");
}

TEST(ConsolePageTemplate, TextIsNothingElse) {
  const std::string bad = "</td><script>alert(\"1\")</script>&'\x01\xFF";
  const std::string good =
      "&lt;/td&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;\xEF\xBF\xBD\xEF\xBF\xBD";
  Snapshot snapshot;
  snapshot.numbers["time"] = bad;
  snapshot.tables[kRequests] = {Row(6, Cell{bad})};
  const std::string page = fill("{{number time}}{{table requests}}{{mi}}", snapshot, bad);
  std::string expected = good + "<tr>";
  for (int i = 0; i < 6; ++i)
    expected += "<td>" + good + "</td>";
  EXPECT_EQ(page, expected + "</tr>\n" + good);
  EXPECT_EQ(PageTemplate("{{build}}", names()).fill({}, "", bad), good);
}

TEST(ConsolePageTemplate, WhatIsPutInIsNoTemplate) {
  Snapshot snapshot;
  snapshot.numbers["time"] = "{{number httpd:requests}}";
  EXPECT_EQ(fill("{{number time}}", snapshot), "{{number httpd:requests}}");
}

TEST(ConsolePageTemplate, UnknownNamesAreFound) {
  EXPECT_EQ(error_of("a\nb {{number httpd:request}}"),
            "index.html, line 2: there is no number \"httpd:request\"");
  EXPECT_EQ(error_of("{{table client}}"), "index.html, line 1: there is no table \"client\"");
  EXPECT_EQ(error_of("{{number}}"), "index.html, line 1: there is no number \"\"");
  EXPECT_EQ(error_of("{{number  time}}"), "index.html, line 1: there is no number \" time\"");
  EXPECT_EQ(error_of("{{table}}"), "index.html, line 1: there is no table \"\"");
  for (const std::string gap : {"", "MI", "mi ", "build 1", "Number time", " mi"})
    EXPECT_EQ(error_of("\n\n{{" + gap + "}}"),
              "index.html, line 3: nothing can be put in place of {{" + gap + "}}");
  EXPECT_EQ(error_of("{{mi}}\n{{mi"), "index.html, line 2: {{ without }}");
  EXPECT_EQ(error_of("{{"), "index.html, line 1: {{ without }}");
}

}  // namespace
}  // namespace httpd::console
