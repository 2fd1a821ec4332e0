// C modules as the host sees them.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config/c_module.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <string>

#include "daemon/config/parameters.h"
#include "error_text.h"
#include "fake_host.h"
#include "notes.h"

namespace httpd::daemon {
namespace {

using testing::ElementsAre;

char* text = nullptr;
int number = 0;
int init_result = 0;

int mod_init() {
  config_test_note("init");
  return init_result;
}

void destroy() {
  config_test_note(text != nullptr ? text : "destroy");
}

constexpr httpd_module_param kParams[] = {{"text", HTTPD_STR_PARAM, &text},
                                          {"number", HTTPD_INT_PARAM, &number},
                                          {nullptr, HTTPD_INT_PARAM, nullptr}};
constexpr httpd_module_exports kExports = {HTTPD_C_MODULE_ABI, "c", kParams, mod_init, destroy};

class CModuleTest : public testing::Test {
 protected:
  void SetUp() override {
    notes().clear();
    text = nullptr;
    number = 0;
    init_result = 0;
  }
  static void set(Module& module, const std::string& name, const ParameterValue& value) {
    Module* const loaded[] = {&module};
    apply_parameter({{"f", 1, 1}, "c", name, value, {"f", 1, 9}}, loaded);
  }
  static std::string refusal(const httpd_module_exports& exports) {
    return error_text([&] { const CModule module(exports); });
  }
};

TEST_F(CModuleTest, SetsItsParameters) {
  CModule module(kExports);
  EXPECT_EQ(module.name(), "c");
  set(module, "text", "abc");
  set(module, "number", -7LL);
  EXPECT_STREQ(text, "abc");
  EXPECT_EQ(number, -7);
}

TEST_F(CModuleTest, KeepsEveryText) {
  CModule module(kExports);
  set(module, "text", "first");
  const char* first = text;
  set(module, "text", std::string(1000, 'x'));
  EXPECT_STREQ(first, "first");
  EXPECT_EQ(std::string(text), std::string(1000, 'x'));
}

TEST_F(CModuleTest, IntegersMustFitAnInt) {
  CModule module(kExports);
  set(module, "number", 2147483647LL);
  EXPECT_EQ(number, 2147483647);
  set(module, "number", -2147483648LL);
  EXPECT_EQ(number, std::numeric_limits<int>::min());
  EXPECT_EQ(error_text([&] { set(module, "number", 2147483648LL); }),
            "f:1:9: modparam \"c\" \"number\": value 2147483648 is out of range: -2147483648 to 2147483647");
  EXPECT_NE(error_text([&] { set(module, "number", -2147483649LL); }), "");
}

TEST_F(CModuleTest, DestroyMayUseTheTexts) {
  FakeHost host;
  {
    CModule module(kExports);
    set(module, "text", "good bye");
    module.init(host);
  }
  EXPECT_THAT(notes(), ElementsAre("init", "good bye"));
  text = nullptr;
}

TEST_F(CModuleTest, DestroyOnlyAfterInit) {
  { const CModule module(kExports); }
  EXPECT_THAT(notes(), ElementsAre());
}

TEST_F(CModuleTest, FailedInit) {
  FakeHost host;
  for (const int result : {-1, 1}) {
    notes().clear();
    init_result = result;
    {
      CModule module(kExports);
      EXPECT_EQ(error_text([&] { module.init(host); }), "mod_init of module c failed; see the lines above");
    }
    EXPECT_THAT(notes(), ElementsAre("init"));
  }
}

TEST_F(CModuleTest, WithoutParametersAndDestroy) {
  const httpd_module_exports exports{HTTPD_C_MODULE_ABI, "bare", nullptr, mod_init, nullptr};
  FakeHost host;
  CModule module(exports);
  EXPECT_TRUE(module.parameters().empty());
  module.init(host);
}

TEST_F(CModuleTest, RefusesIncompleteModules) {
  EXPECT_EQ(refusal({HTTPD_C_MODULE_ABI + 1, nullptr, nullptr, nullptr, nullptr}),
            "built for version 2 of the C module interface, this daemon has version 1");
  EXPECT_EQ(refusal({HTTPD_C_MODULE_ABI, nullptr, nullptr, mod_init, nullptr}), "httpd_module has no name");
  EXPECT_EQ(refusal({HTTPD_C_MODULE_ABI, "", nullptr, mod_init, nullptr}), "httpd_module has no name");
  EXPECT_EQ(refusal({HTTPD_C_MODULE_ABI, "c", nullptr, nullptr, nullptr}), "httpd_module has no mod_init");
  const httpd_module_param no_target[] = {{"p", HTTPD_INT_PARAM, nullptr},
                                          {nullptr, HTTPD_INT_PARAM, nullptr}};
  EXPECT_EQ(refusal({HTTPD_C_MODULE_ABI, "c", no_target, mod_init, nullptr}), "parameter p has no target");
}

}  // namespace
}  // namespace httpd::daemon
