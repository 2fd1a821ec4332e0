// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/entity_tag.h"

#include <gtest/gtest.h>

namespace httpd::console {
namespace {

TEST(ConsoleEntityTag, TellsBytesApart) {
  // The test vectors of FNV-1a.
  EXPECT_EQ(entity_tag(""), "\"cbf29ce484222325\"");
  EXPECT_EQ(entity_tag("a"), "\"af63dc4c8601ec8c\"");
  EXPECT_EQ(entity_tag("foobar"), "\"85944171f73967e8\"");
  EXPECT_NE(entity_tag("\xFF"), entity_tag("\x7F"));
}

TEST(ConsoleEntityTag, IsFoundInLists) {
  for (const char* field : {"\"b\"", "*", "W/\"b\"", R"("a", "b")", R"("a","b","c")", " ,\t\"a\" ,, W/\"b\"",
                            "\"b\" x", R"("a,", "b")"})
    EXPECT_TRUE(names_entity_tag(field, "\"b\"")) << field;
  for (const char* field : {"", "b", "\"a\"", "\"b", "\"B\"", R"("a" "b")", "w/\"b\"", "\"a\", *", ",",
                            "\"ab\"", "W/", R"("a, "b")", "W/W/\"b\""})
    EXPECT_FALSE(names_entity_tag(field, "\"b\"")) << field;
}

}  // namespace
}  // namespace httpd::console
