// Tests of requests that pages make. SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access/cross_origin.h"

#include <gmock/gmock.h>

#include "request.h"

namespace httpd::server {
namespace {

using http::Refusal;
using ::testing::HasSubstr;
using ::testing::Not;

Refusal judge(const TestHead& request, const Policy& policy = {}, bool tls = false) {
  return judge_origin(request.head(), "a.example", tls, policy);
}

TEST(JudgeOriginTest, WhoIsNoBrowserMayDoEverything) {
  for (const char* const begin : {"GET /", "POST /", "PUT /", "DELETE /", "PATCH /", "BREW /"})
    EXPECT_EQ(judge({begin, {}}), Refusal::kNone) << begin;
}

TEST(JudgeOriginTest, PagesOfOtherSitesMayChangeNothing) {
  for (const char* const begin : {"POST /", "PUT /", "DELETE /", "PATCH /", "BREW /"}) {
    for (const char* const origin :
         {"Origin: https://evil.example", "Origin: null", "Origin: http://a.example:81",
          "Origin:", "Origin: junk", "Origin: http://a.example.evil"})
      EXPECT_EQ(judge({begin, {origin}}), Refusal::kForeignOrigin) << begin << origin;
    EXPECT_EQ(judge({begin, {"Origin: http://a.example"}}), Refusal::kNone) << begin;
    EXPECT_EQ(judge({begin, {"Origin: http://a.example", "Origin: http://a.example"}}),
              Refusal::kForeignOrigin);
    EXPECT_EQ(judge({begin, {"Origin: http://a.example"}}, {}, true), Refusal::kForeignOrigin) << "TLS";
  }
  for (const char* const begin : {"GET /", "HEAD /", "OPTIONS /"})
    EXPECT_EQ(judge({begin, {"Origin: https://evil.example"}}), Refusal::kNone) << begin;
}

TEST(JudgeOriginTest, TheBrowsersWordCountsWhereThereIsNoOrigin) {
  EXPECT_EQ(judge({"POST /", {"Sec-Fetch-Site: cross-site"}}), Refusal::kForeignOrigin);
  EXPECT_EQ(judge({"POST /", {"Sec-Fetch-Site: same-site"}}), Refusal::kForeignOrigin);
  EXPECT_EQ(judge({"POST /", {"Sec-Fetch-Site: same-origin"}}), Refusal::kNone);
  EXPECT_EQ(judge({"POST /", {"Sec-Fetch-Site: none"}}), Refusal::kNone);
  EXPECT_EQ(judge({"GET /", {"Sec-Fetch-Site: cross-site"}}), Refusal::kNone);
}

TEST(JudgeOriginTest, SomeRootsAreNotEvenToBeRead) {
  Policy policy;
  policy.cross_site = false;
  EXPECT_EQ(judge({"GET /", {"Sec-Fetch-Site: cross-site"}}, policy), Refusal::kForeignOrigin);
  EXPECT_EQ(judge({"GET /", {"Origin: https://evil.example"}}, policy), Refusal::kForeignOrigin);
  EXPECT_EQ(judge({"GET /", {"Sec-Fetch-Site: none"}}, policy), Refusal::kNone);
  EXPECT_EQ(judge({"GET /", {}}, policy), Refusal::kNone);
}

TEST(JudgeOriginTest, OriginsThatAreListedMay) {
  Policy policy;
  policy.cors_origins.add("https://good.example");
  EXPECT_EQ(judge({"POST /", {"Origin: https://good.example"}}, policy), Refusal::kNone);
  EXPECT_EQ(judge({"POST /", {"Origin: http://good.example"}}, policy), Refusal::kForeignOrigin);
  EXPECT_EQ(judge({"POST /", {"Origin: https://good.example.evil"}}, policy), Refusal::kForeignOrigin);
}

const std::initializer_list<std::string_view> kPreflight{"Origin: https://good.example",
                                                         "Access-Control-Request-Method: POST"};

TEST(PreflightTest, IsOptionsWithBothFields) {
  EXPECT_TRUE(is_preflight(TestHead("OPTIONS /", kPreflight).head()));
  EXPECT_FALSE(is_preflight(TestHead("GET /", kPreflight).head()));
  EXPECT_FALSE(is_preflight(TestHead("OPTIONS /", {"Origin: https://good.example"}).head()));
  EXPECT_FALSE(is_preflight(TestHead("OPTIONS /", {"Access-Control-Request-Method: POST"}).head()));
  EXPECT_EQ(judge({"OPTIONS /", kPreflight}), Refusal::kForeignOrigin);
}

class CrossOriginFieldsTest : public ::testing::Test {
 protected:
  std::string fields(const TestHead& request) const {
    return cross_origin_fields(request.head(), &route, origins);
  }
  Route route{"mi", "test", {Method::kPost}, nullptr};
  Origins origins;
};

TEST_F(CrossOriginFieldsTest, NoOriginsNoFields) {
  EXPECT_EQ(fields({"OPTIONS /", kPreflight}), "");
}

TEST_F(CrossOriginFieldsTest, ReadersOfRepliesAreTold) {
  origins.add("https://good.example");
  EXPECT_EQ(fields({"POST /", {"Origin: https://good.example"}}),
            "Vary: Origin\r\nAccess-Control-Allow-Origin: https://good.example\r\n"
            "Access-Control-Allow-Credentials: true\r\n");
  EXPECT_EQ(fields({"POST /", {"Origin: https://evil.example"}}), "Vary: Origin\r\n");
  EXPECT_EQ(fields({"POST /", {}}), "Vary: Origin\r\n");
}

TEST_F(CrossOriginFieldsTest, AStarComesWithoutCredentials) {
  origins.add("*");
  EXPECT_EQ(fields({"POST /", {"Origin: https://any.example"}}), "Access-Control-Allow-Origin: *\r\n");
}

TEST_F(CrossOriginFieldsTest, APreflightGetsAllThatItAsks) {
  origins.add("https://good.example");
  const std::string all = fields({"OPTIONS /",
                                  {"Origin: https://good.example", "Access-Control-Request-Method: POST",
                                   "Access-Control-Request-Headers: content-type, authorization",
                                   "Access-Control-Request-Private-Network: true"}});
  EXPECT_THAT(all, HasSubstr("Access-Control-Allow-Methods: POST\r\n"));
  EXPECT_THAT(all, HasSubstr("Access-Control-Allow-Headers: content-type, authorization\r\n"));
  EXPECT_THAT(all, HasSubstr("Access-Control-Allow-Private-Network: true\r\n"));
  EXPECT_THAT(all, HasSubstr("Access-Control-Max-Age: 600\r\n"));
  EXPECT_THAT(fields({"OPTIONS /",
                      {"Origin: https://good.example", "Access-Control-Request-Method: POST",
                       "Access-Control-Request-Headers: a: b"}}),
              Not(HasSubstr("Allow-Headers")));
}

}  // namespace
}  // namespace httpd::server
