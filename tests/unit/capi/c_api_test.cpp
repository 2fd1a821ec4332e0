// SPDX-License-Identifier: GPL-2.0-or-later
#include "capi/c_api.h"

#include <cstring>
#include <gmock/gmock.h>

#include <httpd/module.h>

#include "fakes.h"

namespace {
/// What the host gives to modules; here the test is the host.
bool httpd_is_loaded = true;
}  // namespace

extern "C" httpd_export_f find_export(const char* name, int /*flags*/) {
  return httpd_is_loaded && std::strcmp(name, "httpd_bind") == 0
             ? reinterpret_cast<httpd_export_f>(&httpd_bind)
             : nullptr;
}

namespace httpd::capi {
namespace {

int access_callback(void* /*cls*/, void* /*connection*/, const char* /*url*/, const char* /*method*/,
                    const char* /*version*/, const char* /*upload*/, std::size_t /*size*/, void** /*con_cls*/,
                    str* /*buffer*/, str* /*page*/, sockaddr_union* /*client*/) {
  return 200;
}
ssize_t flush_callback(void* /*cls*/, std::uint64_t /*pos*/, char* /*buffer*/, std::size_t /*max*/) {
  return -1;
}

class CApiTest : public ::testing::Test {
 protected:
  CApiTest()
      : api(
            [this](std::string_view module, std::string_view root, std::unique_ptr<Handler> handler) {
              if (root == "taken")
                throw ConfigError("root path \"taken\" is already registered by module other");
              EXPECT_TRUE(handler->methods().has(Method::kGet));
              EXPECT_TRUE(handler->methods().has(Method::kPost));
              EXPECT_FALSE(handler->methods().has(Method::kPut));
              registered.push_back(std::string(module) + ":" + std::string(root));
            },
            {.keep_ready = 4096}, log) {}
  std::vector<std::string> registered;
  FakeLog log;
  CApi api;
};

TEST_F(CApiTest, LoadsAndRegisters) {
  const CApi::Current current(api);
  httpd_api_t bound{};
  ASSERT_EQ(load_httpd_api(&bound), 0);
  char text[] = " \tmi \n";
  str root{text, 6};
  EXPECT_EQ(bound.register_httpdcb("mi_http", &root, access_callback, flush_callback,
                                   HTTPD_APPLICATION_JSON_CNT_TYPE, nullptr),
            0);
  EXPECT_EQ(registered, std::vector<std::string>{"mi_http:mi"});
  EXPECT_EQ(std::string(root.s, static_cast<std::size_t>(root.len)), "mi")
      << "cut in place, as modules expect";
}

TEST_F(CApiTest, IsNotThereWhenHttpdIsNotLoaded) {
  httpd_is_loaded = false;
  httpd_api_t bound{};
  EXPECT_EQ(load_httpd_api(&bound), -1);
  httpd_is_loaded = true;
  EXPECT_EQ(httpd_bind(nullptr), -1);
}

TEST_F(CApiTest, KeepsTheFirstErrorForTheHost) {
  char taken[] = "taken";
  str root{taken, 5};
  EXPECT_EQ(api.add("mine", &root, access_callback, flush_callback, HTTPD_STD_CNT_TYPE, nullptr), -1);
  EXPECT_THAT(api.error(), ::testing::HasSubstr("already registered"));
  EXPECT_EQ(api.add("mine", nullptr, access_callback, flush_callback, HTTPD_STD_CNT_TYPE, nullptr), -1);
  EXPECT_THAT(api.error(), ::testing::HasSubstr("already registered"));
  EXPECT_TRUE(log.contains("gives no root path"));
}

TEST_F(CApiTest, RefusesWhatIsMissing) {
  char text[] = "mi";
  str root{text, 2};
  str empty{text, 0};
  EXPECT_EQ(api.add(nullptr, &root, access_callback, flush_callback, HTTPD_STD_CNT_TYPE, nullptr), -1);
  EXPECT_EQ(api.add("m", &empty, access_callback, flush_callback, HTTPD_STD_CNT_TYPE, nullptr), -1);
  EXPECT_EQ(api.add("m", &root, nullptr, flush_callback, HTTPD_STD_CNT_TYPE, nullptr), -1);
  EXPECT_EQ(api.add("m", &root, access_callback, nullptr, HTTPD_STD_CNT_TYPE, nullptr), -1);
  EXPECT_TRUE(registered.empty());
}

TEST_F(CApiTest, AfterItsEndNothingIsRegistered) {
  httpd_api_t bound{};
  ASSERT_EQ(httpd_bind(&bound), 0);
  char text[] = "mi";
  str root{text, 2};
  EXPECT_EQ(bound.register_httpdcb("m", &root, access_callback, flush_callback, HTTPD_STD_CNT_TYPE, nullptr),
            -1);
  EXPECT_EQ(bound.get_server_info(), nullptr);
}

}  // namespace
}  // namespace httpd::capi
