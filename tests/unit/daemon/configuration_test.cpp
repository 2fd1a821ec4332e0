// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/configuration.h"

#include <gmock/gmock.h>

#include <httpd/parameter.h>

namespace httpd::daemon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class FakeModule final : public Module {
 public:
  explicit FakeModule(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] std::vector<Parameter> parameters() override {
    return {string_parameter("root", [this](const std::string&) { ++sets; }),
            integer_parameter("size", 1, 9, [this](long long) { ++sets; })};
  }
  void init(Host& /*host*/) override {}
  int sets = 0;

 private:
  std::string name_;
};

class ConfigurationTest : public ::testing::Test {
 protected:
  ConfigurationTest() {
    reader.know("httpd.so", httpd);
    reader.know("other.so", other);
  }
  std::string error(const std::string& text) const {
    try {
      static_cast<void>(reader.read(text));
    } catch (const ConfigError& caught) {
      return caught.what();
    }
    return {};
  }
  std::vector<std::string> changes(const std::string& text) const {
    return fixed_changes(reader.read(kBoth), reader.read(text));
  }
  static constexpr const char* kBoth = "loadmodule \"httpd.so\"\nloadmodule \"other.so\"\n";
  FakeModule httpd{"httpd"};
  FakeModule other{"other"};
  ConfigurationReader reader{"file.cfg"};
};

TEST_F(ConfigurationTest, HasSettingsAndLevelAndTouchesNoModule) {
  const Configuration read =
      reader.read(std::string("log_level = 4\n") + kBoth +
                  "modparam(\"httpd\", \"port\", 81)\nmodparam(\"other\", \"root\", \"x\")\n");
  EXPECT_EQ(read.log_level, 4);
  EXPECT_EQ(read.settings.port, 81);
  EXPECT_EQ(httpd.sets + other.sets, 0);
  EXPECT_EQ(reader.read(kBoth).log_level, SharedState::kDefaultLogLevel);
}

TEST_F(ConfigurationTest, ErrorsHaveTheirPlace) {
  const std::string both = kBoth;
  EXPECT_THAT(error(both + "modparam(\"httpd\", \"port\", 0)"), StartsWith("file.cfg:3:27: "));
  EXPECT_THAT(error(both + "modparam(\"other\", \"nothing\", 0)"), HasSubstr("no such parameter"));
  EXPECT_THAT(error(both + "modparam(\"other\", \"root\", 0)"), HasSubstr("takes a string"));
  EXPECT_THAT(error(both + "modparam(\"unknown\", \"root\", 0)"), HasSubstr("no loaded module matches"));
  EXPECT_THAT(error(both + "loadmodule \"other.so\""), StartsWith("file.cfg:3:1: "));
  EXPECT_THAT(error("loadmodule \"other.so\""), HasSubstr("nothing to serve"));
  EXPECT_THAT(error("modparam(\"httpd\", \"port\", 1)\nloadmodule \"httpd.so\""),
              HasSubstr("loadmodule must come first"));
}

TEST_F(ConfigurationTest, StatementsThatHoldUntilARestartAreCompared) {
  const std::string both = kBoth;
  EXPECT_THAT(changes(both), IsEmpty());
  EXPECT_THAT(changes(both + "log_level = 4 modparam(\"httpd\", \"port\", 81)"), IsEmpty());
  EXPECT_THAT(changes(both + "modparam(\"other\", \"size\", 2)"), ElementsAre("size of other"));
  EXPECT_THAT(changes(both + "mpath = \"/x\""), ElementsAre("mpath"));
  EXPECT_THAT(changes("loadmodule \"httpd.so\""), ElementsAre("loadmodule"));
  EXPECT_THAT(changes("loadmodule \"other.so\" loadmodule \"httpd.so\""), ElementsAre("loadmodule"));
  const Configuration one = reader.read(both + "modparam(\"other\", \"root\", \"1\")");
  EXPECT_THAT(fixed_changes(one, reader.read(both)), ElementsAre("root of other"));
  EXPECT_THAT(fixed_changes(one, reader.read(both + "modparam(\"o.*\", \"root\", \"1\")")), IsEmpty());
  EXPECT_THAT(fixed_changes(one, reader.read(both + "modparam(\"other\", \"root\", \"2\")")),
              ElementsAre("root of other"));
}

TEST_F(ConfigurationTest, ParametersOfModulesThatARestartWouldLoadAreNamed) {
  const std::string text = std::string(kBoth) + "loadmodule \"new.so\" modparam(\"new\", \"any\", 1)";
  EXPECT_THAT(changes(text), ElementsAre("loadmodule", "any of new"));
}

}  // namespace
}  // namespace httpd::daemon
