// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/router.h"

#include <gmock/gmock.h>

#include <httpd/module.h>

#include "fixture.h"

namespace httpd::server {
namespace {

std::unique_ptr<Handler> handler(MethodSet methods = {Method::kGet}) {
  return std::make_unique<FunctionHandler>(methods, [](const Request&, Reply) {});
}

std::string found(const Router& router, std::string_view path) {
  const Route* const route = router.find(path);
  return route == nullptr ? "-" : route->root;
}

TEST(Router, TheLongestRootOnASegmentBorderWins) {
  Router router;
  for (const std::string_view root : {"mi", "mi/deep", "metrics", "a.b~c-d_e", "mi/deep/er/still"})
    router.add("test", root, handler());
  EXPECT_EQ(found(router, "/mi"), "mi");
  EXPECT_EQ(found(router, "/mi/"), "mi");
  EXPECT_EQ(found(router, "/mi/x"), "mi");
  EXPECT_EQ(found(router, "/mi/deep"), "mi/deep");
  EXPECT_EQ(found(router, "/mi/deeper"), "mi");
  EXPECT_EQ(found(router, "/mi/deep/er"), "mi/deep");
  EXPECT_EQ(found(router, "/mi/deep/er/still/more"), "mi/deep/er/still");
  EXPECT_EQ(found(router, "/a.b~c-d_e/x"), "a.b~c-d_e");
  EXPECT_EQ(found(router, "/mi" + std::string(10'000, '/')), "mi");
  for (const std::string_view path :
       {"", "/", "//", "//mi", "/m", "/mix", "/MI", "mi", "/x/mi", "/metricsmi"})
    EXPECT_EQ(found(router, path), "-") << path;
}

TEST(Router, CutsWhiteSpaceAndRefusesWhatIsNoRoot) {
  Router router;
  router.add("test", " \tmi \n", handler());
  EXPECT_EQ(found(router, "/mi"), "mi");
  for (const std::string_view bad :
       {"", " ", "/", "/a", "a/", "a//b", "a b", "a%20", "\xc3\xa4", "a/../b", ".", "a?b", "a\\b"})
    EXPECT_THROW(router.add("test", bad, handler()), ConfigError) << bad;
}

TEST(Router, ARootIsRegisteredOnce) {
  Router router;
  router.add("first", "mi", handler());
  try {
    router.add("second", " mi", handler());
    FAIL();
  } catch (const ConfigError& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("first"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("second"));
  }
  EXPECT_EQ(router.routes().size(), 1U);
}

TEST(Router, GetBringsHeadAndOptionsIsAlwaysThere) {
  Router router;
  router.add("test", "a", handler({Method::kGet, Method::kTrace, Method::kConnect}));
  router.add("test", "b", handler({Method::kPost}));
  EXPECT_EQ(router.find("/a")->allow(), "GET, HEAD, OPTIONS");
  EXPECT_EQ(router.find("/b")->allow(), "POST, OPTIONS");
  EXPECT_EQ(router.find("/b")->allow({Method::kPost}), "OPTIONS");
}

TEST(Router, FindsEachOfThousands) {
  Router router;
  EXPECT_EQ(found(router, "/r0"), "-");
  constexpr int kRoots = 5000;
  for (int number = 0; number < kRoots; ++number) {
    const std::string root = "r" + std::to_string(number) + (number % 3 == 0 ? "/deep" : "");
    EXPECT_EQ(found(router, "/" + root), "-");
    router.add("test", root, handler());
    EXPECT_EQ(found(router, "/" + root + "/below"), root);
  }
  for (int number = 0; number < kRoots; ++number) {
    const std::string root = "r" + std::to_string(number) + (number % 3 == 0 ? "/deep" : "");
    ASSERT_EQ(found(router, "/" + root), root);
    ASSERT_EQ(router.find("/" + root)->index, static_cast<std::size_t>(number));
    ASSERT_EQ(found(router, "/" + root + "x"), "-");
    ASSERT_THROW(router.add("test", root, handler()), ConfigError);
  }
}

TEST(Router, ListsRootsInTheirOrder) {
  Router router;
  router.add("test", "b", handler());
  router.add("test", "a", handler());
  ASSERT_EQ(router.routes().size(), 2U);
  EXPECT_EQ(router.routes()[0].root, "b");
  EXPECT_EQ(router.routes()[1].root, "a");
}

}  // namespace
}  // namespace httpd::server
