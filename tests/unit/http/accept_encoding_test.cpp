// Tests of the choice of a content coding. SPDX-License-Identifier: GPL-2.0-or-later
#include "http/accept_encoding.h"

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

namespace httpd::http {
namespace {

std::string_view choice(const std::vector<std::string_view>& values) {
  std::vector<FieldLine> fields{{FieldId::kOther, "Accept", "gzip"}};
  for (const std::string_view value : values)
    fields.push_back({FieldId::kOther, "accept-ENCODING", value});
  return coding_name(choose_coding(fields));
}

TEST(AcceptEncoding, WhoNamesNoneGetsNone) {
  EXPECT_EQ(choose_coding({}), ContentCoding::kIdentity);
  for (const std::string_view value :
       {"", ",", " , ", "identity", "br", "deflate, compress", "gzip2", "zst", "x-zstd"})
    EXPECT_EQ(choice({value}), "identity") << value;
}

TEST(AcceptEncoding, WhatIsNamedIsTaken) {
  for (const std::string_view value :
       {"gzip", "GZip", "x-gzip", "X-GZIP", ",gzip", "gzip ,", "deflate, gzip, br", "gzip;q=1",
        "gzip ; q=0.001", "gzip;Q=1.000", "gzip;q=1.", "gzip;x=\"a,b\"", "*", "*;q=0.5", "br, *;q=0.1",
        "zstd;q=0, *"})
    EXPECT_EQ(choice({value}), "gzip") << value;
  for (const std::string_view value : {"zstd", "ZSTD", "*;q=0, zstd", "gzip;q=0, zstd;q=0.1"})
    EXPECT_EQ(choice({value}), "zstd") << value;
}

TEST(AcceptEncoding, TheHigherWeightWinsAndZstdAmongEquals) {
  EXPECT_EQ(choice({"gzip, deflate, br, zstd"}), "zstd");
  EXPECT_EQ(choice({"gzip;q=0.5, zstd;q=0.5"}), "zstd");
  EXPECT_EQ(choice({"zstd;q=0.999, gzip"}), "gzip");
  EXPECT_EQ(choice({"zstd;q=0.8, *;q=0.9"}), "gzip");
  EXPECT_EQ(choice({"gzip", "zstd"}), "zstd") << "lines are one list";
  EXPECT_EQ(choice({"zstd;q=0.1", "gzip;q=0.2"}), "gzip");
}

TEST(AcceptEncoding, WhatIsExcludedIsNotTaken) {
  for (const std::string_view value :
       {"gzip;q=0", "gzip;q=0.0", "gzip;q=0.000, x-gzip;q=0", "*;q=0", "gzip;q=0, *", "zstd;q=0, gzip;q=0",
        "*;q=0, identity", "gzip, x-gzip;q=0"})
    EXPECT_EQ(choice({value}), "identity") << value;
}

TEST(AcceptEncoding, IdentityIsPreferredWhereItHasTheHigherWeight) {
  EXPECT_EQ(choice({"identity, gzip;q=0.5"}), "identity");
  EXPECT_EQ(choice({"identity;q=0.5, gzip;q=0.5"}), "gzip");
  EXPECT_EQ(choice({"identity;q=0, gzip;q=0.001"}), "gzip");
  EXPECT_EQ(choice({"identity;q=0"}), "identity") << "what else is there";
}

TEST(AcceptEncoding, WhatIsNamedTwiceHasTheLowerWeight) {
  EXPECT_EQ(choice({"gzip, gzip;q=0"}), "identity");
  EXPECT_EQ(choice({"gzip;q=0", "gzip"}), "identity");
  EXPECT_EQ(choice({"zstd;q=0.2, zstd, gzip;q=0.5"}), "gzip");
}

TEST(AcceptEncoding, WhatCannotBeReadIsNoWish) {
  for (const std::string_view value :
       {"gzip;q=2", "gzip;q=-1", "gzip;q=", "gzip;q=0.1234", "gzip;q=a", "gzip q=1", "gzip;q", "g zip, gzip",
        "(gzip)", "gzip, \"", "gzip, ;q=1", "gzip;q=1;=", "zstd, gz\x80p", "gzip\tzstd"})
    EXPECT_EQ(choice({value}), "identity") << value;
  EXPECT_EQ(choice({"gzip", "a b"}), "identity") << "in whatever line";
}

TEST(AcceptEncoding, AListOfAnyLengthIsReadOnce) {
  std::string list(1 << 20, ',');
  EXPECT_EQ(choice({list}), "identity");
  list += "zstd";
  EXPECT_EQ(choice({list}), "zstd");
  std::string many;
  for (int i = 0; i < 100'000; ++i)
    many += "gzip;q=0.5,";
  EXPECT_EQ(choice({many}), "gzip");
}

bool takes(const std::vector<std::string_view>& values, std::string_view coding) {
  std::vector<FieldLine> fields{{FieldId::kOther, "Accept", "gzip, *"}};
  for (const std::string_view value : values)
    fields.push_back({FieldId::kOther, "Accept-Encoding", value});
  return accepts_coding(fields, coding);
}

TEST(AcceptEncoding, ACodingIsTakenWhenItIsNamedOrAnyIs) {
  for (const std::string_view value : {"gzip", "GZIP", "br, gzip;q=0.001", "*", "br, *;q=0.5", "*;q=0, gzip"})
    EXPECT_TRUE(takes({value}, "gzip")) << value;
  EXPECT_TRUE(takes({"br", "gzip"}, "gzip"));
  EXPECT_TRUE(takes({"deflate, br;q=0.1"}, "br"));
  for (const std::string_view value :
       {"", "br", "gzip;q=0", "gzip;q=0, *", "gzip, gzip;q=0", "*;q=0", "gzip;q=2", "gzip, br;q", "x-gzip"})
    EXPECT_FALSE(takes({value}, "gzip")) << value;
  EXPECT_FALSE(takes({}, "gzip"));
}

}  // namespace
}  // namespace httpd::http
