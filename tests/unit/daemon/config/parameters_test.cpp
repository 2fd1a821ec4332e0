// How modparam() values reach modules, and the ready-made parameters.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config/parameters.h"

#include <array>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <httpd/parameter.h>

#include "error_text.h"

namespace httpd::daemon {
namespace {

class FakeModule final : public Module {
 public:
  explicit FakeModule(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] std::vector<Parameter> parameters() override {
    return {string_parameter("root", [this](const std::string& value) { root = value; }),
            integer_parameter("port", 1, 65535, [this](long long value) { port = value; }),
            integer_parameter("log", 0, 1, [this](long long value) { log_level = value; }),
            string_parameter("log", [this](const std::string& value) { log_file = value; })};
  }
  void init(Host& /*host*/) override {}

  std::string root;
  std::string log_file;
  long long port = 0;
  long long log_level = -1;

 private:
  std::string name_;
};

class EmptyModule final : public Module {
 public:
  [[nodiscard]] std::string_view name() const override { return "empty"; }
  void init(Host& /*host*/) override {}
};

class Parameters : public testing::Test {
 protected:
  static SetParameter line(std::string module, std::string name, ParameterValue value) {
    return {{"f.cfg", 2, 1}, std::move(module), std::move(name), std::move(value), {"f.cfg", 2, 30}};
  }
  void apply(const std::string& module, const std::string& name, const ParameterValue& value) {
    apply_parameter(line(module, name, value), loaded_);
  }
  std::string apply_error(const std::string& module, const std::string& name, const ParameterValue& value) {
    return error_text([&] { apply(module, name, value); });
  }
  FakeModule first_{"mi_http"};
  FakeModule second_{"mi_fifo"};
  EmptyModule empty_;
  std::array<Module*, 3> loaded_{&first_, &second_, &empty_};
};

TEST_F(Parameters, ReachTheModuleNamed) {
  apply("mi_http", "port", 80LL);
  apply("mi_fifo", "root", "x");
  EXPECT_EQ(first_.port, 80);
  EXPECT_EQ(second_.port, 0);
  EXPECT_EQ(first_.root, "");
  EXPECT_EQ(second_.root, "x");
}

TEST_F(Parameters, TheLastLineWins) {
  apply("mi_http", "port", 80LL);
  apply("mi_http", "port", 81LL);
  EXPECT_EQ(first_.port, 81);
}

TEST_F(Parameters, PatternsMatchWholeNamesInAnyCase) {
  apply("MI_.*", "port", 80LL);
  EXPECT_EQ(first_.port, 80);
  EXPECT_EQ(second_.port, 80);
  apply("x|mi_http", "port", 81LL);
  EXPECT_EQ(first_.port, 81);
  EXPECT_EQ(second_.port, 80);
  for (const auto pattern : {"mi", "i_http", "", "mi_httpd", "mi_http "}) {
    EXPECT_NE(apply_error(pattern, "port", 82LL).find("no loaded module matches"), std::string::npos)
        << pattern;
  }
}

TEST_F(Parameters, EveryModuleThatMatchesMustHaveIt) {
  EXPECT_EQ(apply_error(".*", "port", 80LL),
            "f.cfg:2:1: modparam \"empty\" \"port\": no such parameter; empty has none");
}

TEST_F(Parameters, NoModule) {
  EXPECT_EQ(
      apply_error("httpd", "port", 80LL),
      "f.cfg:2:1: modparam \"httpd\" \"port\": no loaded module matches; loadmodule must come first (loaded: "
      "mi_http, mi_fifo, empty)");
  EXPECT_EQ(
      error_text([] { apply_parameter(line("httpd", "port", 80LL), {}); }),
      "f.cfg:2:1: modparam \"httpd\" \"port\": no loaded module matches; loadmodule must come first (loaded: "
      "none)");
}

TEST_F(Parameters, NoSuchParameter) {
  const std::string list =
      "no such parameter; mi_http has log (integer), log (string), port (integer), root (string)";
  EXPECT_EQ(apply_error("mi_http", "prot", 80LL), "f.cfg:2:1: modparam \"mi_http\" \"prot\": " + list);
  EXPECT_EQ(apply_error("mi_http", "PORT", 80LL), "f.cfg:2:1: modparam \"mi_http\" \"PORT\": " + list);
  EXPECT_EQ(apply_error("mi_http", "", 80LL), "f.cfg:2:1: modparam \"mi_http\" \"\": " + list);
}

TEST_F(Parameters, WrongType) {
  EXPECT_EQ(apply_error("mi_http", "port", "80"),
            "f.cfg:2:30: modparam \"mi_http\" \"port\": takes an integer, got the string \"80\"");
  EXPECT_EQ(apply_error("mi_http", "root", 3LL),
            "f.cfg:2:30: modparam \"mi_http\" \"root\": takes a string, got an integer");
}

TEST_F(Parameters, TheTypeChoosesBetweenTwoOfOneName) {
  apply("mi_http", "log", "file");
  apply("mi_http", "log", 1LL);
  EXPECT_EQ(first_.log_file, "file");
  EXPECT_EQ(first_.log_level, 1);
}

TEST_F(Parameters, RangeErrorsNameValueAndRange) {
  for (const long long value : {1LL, 65535LL}) {
    apply("mi_http", "port", value);
    EXPECT_EQ(first_.port, value);
  }
  EXPECT_EQ(apply_error("mi_http", "port", 0LL),
            "f.cfg:2:30: modparam \"mi_http\" \"port\": value 0 is out of range: 1 to 65535");
  EXPECT_EQ(apply_error("mi_http", "port", 65536LL),
            "f.cfg:2:30: modparam \"mi_http\" \"port\": value 65536 is out of range: 1 to 65535");
  EXPECT_EQ(first_.port, 65535);
}

TEST_F(Parameters, BadPatterns) {
  EXPECT_EQ(apply_error("mi_(", "port", 80LL)
                .rfind("f.cfg:2:1: expected a module name or pattern, found \"mi_(\": ", 0),
            0U);
  EXPECT_NE(apply_error("[", "port", 80LL), "");
  EXPECT_NE(apply_error(std::string(255, 'm'), "port", 80LL).find("no loaded module matches"),
            std::string::npos);
  EXPECT_EQ(apply_error(std::string(256, 'm'), "port", 80LL),
            "f.cfg:2:1: expected a module name or pattern of at most 255 bytes, found 256 bytes");
}

TEST_F(Parameters, ErrorsStayOnOneLine) {
  EXPECT_EQ(apply_error("mi_http", "port", "a\nb").find('\n'), std::string::npos);
  EXPECT_EQ(apply_error("mi_http", "a\nb", 1LL).find('\n'), std::string::npos);
  EXPECT_EQ(apply_error("a\nb", "port", 1LL).find('\n'), std::string::npos);
}

}  // namespace
}  // namespace httpd::daemon
