// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/compression/compression_settings.h"

#include <gmock/gmock.h>

#include "../fixture.h"

namespace httpd::server {
namespace {

void set(CompressionSettings& settings, std::string_view name, const ParameterValue& value) {
  for (const Parameter& parameter : compression_parameters(settings))
    if (parameter.name == name) return parameter.set(value);
  FAIL() << name << " is no parameter";
}

TEST(CompressionSettings, RootsAreAListInAsManyLinesAsWanted) {
  CompressionSettings settings;
  set(settings, "compress", "metrics, /status/live/");
  set(settings, "compress", "a");
  EXPECT_THAT(settings.roots, ::testing::ElementsAre("metrics", "status/live", "a"));
  EXPECT_FALSE(settings.every_root);
  set(settings, "compress", "*");
  EXPECT_TRUE(settings.every_root);
}

TEST(CompressionSettings, NamelessRootsAreRefused) {
  for (const std::string list : {"", "a,,b", "a,", "/"}) {
    CompressionSettings settings;
    EXPECT_THROW(set(settings, "compress", list), ConfigError) << list;
  }
}

TEST(CompressionSettings, ARootThatThereIsNotIsRefusedWithThoseThatThereAre) {
  Router router;
  router.add("test", "metrics", std::make_unique<FunctionHandler>(MethodSet{Method::kGet}, nullptr));
  router.add("test", "status/live", std::make_unique<FunctionHandler>(MethodSet{Method::kGet}, nullptr));
  CompressionSettings settings;
  settings.roots = {"status/live", "metrics"};
  EXPECT_NO_THROW(check_compression(settings, router));
  for (const std::string root : {"status", "metrics/x", "metric"}) {
    settings.roots = {root};
    try {
      check_compression(settings, router);
      ADD_FAILURE() << root;
    } catch (const ConfigError& error) {
      EXPECT_STREQ(
          error.what(),
          ("compress: there is no root path \"" + root + "\"; the roots are: metrics, status/live").c_str());
    }
  }
  settings.roots.clear();
  settings.every_root = true;
  EXPECT_NO_THROW(check_compression(settings, Router()));
}

}  // namespace
}  // namespace httpd::server
