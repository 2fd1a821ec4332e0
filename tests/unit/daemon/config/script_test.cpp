// The statements of configuration files, and what is said about everything else.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config/script.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <limits>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <variant>
#include <vector>

#include "error_text.h"

namespace httpd::daemon {
namespace {

std::string parse_error(std::string_view text) {
  return error_text([text] { static_cast<void>(parse_script(text, "f.cfg")); });
}

ParameterValue value_of(std::string_view value) {
  const auto statements = parse_script("modparam('m', 'p', " + std::string(value) + ")", "f.cfg");
  return std::get<SetParameter>(statements.at(0)).value;
}

TEST(Script, AWholeFile) {
  const auto statements = parse_script(
      "#!OPENSIPS\n"
      "/* the daemon */ log_level=3\n"
      "mpath = \"/a/\" : \"/b/\"\n"
      "loadmodule \"httpd.so\"\r\n"
      "modparam(\"httpd\", \"port\",\n"
      "  8889)  modparam('mi_.*','root' , \"m\" 'i')",
      "f.cfg");
  ASSERT_EQ(statements.size(), 6U);
  EXPECT_EQ(std::get<SetLogLevel>(statements[0]).level, 3);
  EXPECT_EQ(std::get<SetLogLevel>(statements[0]).where.text(), "f.cfg:2:18");
  EXPECT_EQ(std::get<SetModulePath>(statements[1]).path, "/a/");
  EXPECT_EQ(std::get<SetModulePath>(statements[2]).path, "/b/");
  EXPECT_EQ(std::get<LoadModule>(statements[3]).file, "httpd.so");
  EXPECT_EQ(std::get<LoadModule>(statements[3]).where.text(), "f.cfg:4:1");
  const auto& port = std::get<SetParameter>(statements[4]);
  EXPECT_EQ(port.module_pattern, "httpd");
  EXPECT_EQ(port.name, "port");
  EXPECT_EQ(port.value, ParameterValue(8889LL));
  EXPECT_EQ(port.where.text(), "f.cfg:5:1");
  EXPECT_EQ(port.value_at.text(), "f.cfg:6:3");
  const auto& root = std::get<SetParameter>(statements[5]);
  EXPECT_EQ(root.module_pattern, "mi_.*");
  EXPECT_EQ(root.value, ParameterValue("mi"));
  EXPECT_EQ(root.where.text(), "f.cfg:6:10");
}

TEST(Script, EmptyFiles) {
  EXPECT_TRUE(parse_script("", "f.cfg").empty());
  EXPECT_TRUE(parse_script("\n# nothing\n", "f.cfg").empty());
}

TEST(Script, LogLevels) {
  for (int level = -3; level <= 4; ++level) {
    const auto statements = parse_script("log_level = " + std::to_string(level), "f.cfg");
    EXPECT_EQ(std::get<SetLogLevel>(statements.at(0)).level, level);
  }
  EXPECT_EQ(parse_error("log_level = -4"), "f.cfg:1:13: expected a log level from -3 to 4, found '-4'");
  EXPECT_EQ(parse_error("log_level = 5"), "f.cfg:1:13: expected a log level from -3 to 4, found '5'");
  EXPECT_EQ(parse_error("log_level = \"3\""), "f.cfg:1:13: expected a log level from -3 to 4, found \"3\"");
  EXPECT_EQ(parse_error("log_level 3"), "f.cfg:1:11: expected '=' after log_level, found '3'");
  EXPECT_EQ(parse_error("log_level ="),
            "f.cfg:1:12: expected a log level from -3 to 4, found the end of the file");
}

TEST(Script, TheOldDebugNamesItsSuccessor) {
  EXPECT_EQ(parse_error("debug=3"),
            "f.cfg:1:1: expected loadmodule, modparam, mpath or log_level, found 'debug' "
            "(use log_level = N, from -3 to 4)");
}

TEST(Script, AnythingElse) {
  EXPECT_EQ(parse_error("\nroute {"),
            "f.cfg:2:1: expected loadmodule, modparam, mpath or log_level, found 'route'");
  EXPECT_EQ(parse_error("LoadModule 'x'"),
            "f.cfg:1:1: expected loadmodule, modparam, mpath or log_level, found 'LoadModule'");
  EXPECT_EQ(parse_error("\"loadmodule\""),
            "f.cfg:1:1: expected loadmodule, modparam, mpath or log_level, found \"loadmodule\"");
  EXPECT_EQ(parse_error("loadmodule \"x.so\";"),
            "f.cfg:1:18: expected loadmodule, modparam, mpath or log_level, found ';' (these statements end "
            "without "
            "one, as in OpenSIPS)");
  EXPECT_EQ(parse_error("// x"),
            "f.cfg:1:1: expected loadmodule, modparam, mpath or log_level, found '/' (a comment begins with "
            "# or /*)");
}

TEST(Script, LoadModule) {
  EXPECT_EQ(parse_error("loadmodule httpd"),
            "f.cfg:1:12: expected the file name of a module in quotes, found 'httpd'");
  EXPECT_EQ(parse_error("loadmodule ''"), "f.cfg:1:12: expected the file name of a module, found \"\"");
  EXPECT_EQ(parse_error("loadmodule"),
            "f.cfg:1:11: expected the file name of a module in quotes, found the end of the file");
  EXPECT_NE(parse_error("loadmodule 'a' 'b'"), "");
}

TEST(Script, ModulePath) {
  EXPECT_EQ(parse_error("mpath '/a'"), "f.cfg:1:7: expected '=' after mpath, found \"/a\"");
  EXPECT_EQ(parse_error("mpath = 5"), "f.cfg:1:9: expected a directory in quotes, found '5'");
  EXPECT_EQ(parse_error("mpath = ''"), "f.cfg:1:9: expected a directory, found \"\"");
  EXPECT_EQ(parse_error("mpath = '/a' :"),
            "f.cfg:1:15: expected a directory in quotes, found the end of the file");
}

TEST(Script, ParameterSyntax) {
  EXPECT_EQ(parse_error("modparam 'm'"), "f.cfg:1:10: expected '(' after modparam, found \"m\"");
  EXPECT_EQ(parse_error("modparam(m"), "f.cfg:1:10: expected the name of a module in quotes, found 'm'");
  EXPECT_EQ(parse_error("modparam('m' 'p'"),
            "f.cfg:1:14: expected ',' after the name of the module, found \"p\"");
  EXPECT_EQ(parse_error("modparam('m', 3"),
            "f.cfg:1:15: expected the name of a parameter in quotes, found '3'");
  EXPECT_EQ(parse_error("modparam('m', 'p')"),
            "f.cfg:1:18: expected ',' after the name of the parameter, found ')'");
  EXPECT_EQ(parse_error("modparam('m', 'p', )"), "f.cfg:1:20: expected a string or an integer, found ')'");
  EXPECT_EQ(parse_error("modparam('m', 'p', maybe)"),
            "f.cfg:1:20: expected a string or an integer, found 'maybe'");
  EXPECT_EQ(parse_error("modparam('m', 'p', 1"),
            "f.cfg:1:21: expected ')' after the value, found the end of the file");
  EXPECT_EQ(parse_error("modparam('m', 'p', 1 2)"), "f.cfg:1:22: expected ')' after the value, found '2'");
  EXPECT_EQ(parse_error("modparam('m', 'p', 'a' 2)"), "f.cfg:1:24: expected ')' after the value, found '2'");
}

TEST(Script, IntegerValues) {
  EXPECT_EQ(value_of("0"), ParameterValue(0LL));
  EXPECT_EQ(value_of("0600"), ParameterValue(0600LL));
  EXPECT_EQ(value_of("0x10"), ParameterValue(16LL));
  EXPECT_EQ(value_of("-5"), ParameterValue(-5LL));
  EXPECT_EQ(value_of("- 5"), ParameterValue(-5LL));
  EXPECT_EQ(value_of("+5"), ParameterValue(5LL));
  for (const auto word : {"yes", "true", "on", "enable"})
    EXPECT_EQ(value_of(word), ParameterValue(1LL)) << word;
  for (const auto word : {"no", "false", "off", "disable"})
    EXPECT_EQ(value_of(word), ParameterValue(0LL)) << word;
  EXPECT_NE(parse_error("modparam('m', 'p', YES)"), "");
  EXPECT_NE(parse_error("modparam('m', 'p', --5)"), "");
  EXPECT_NE(parse_error("modparam('m', 'p', -'5')"), "");
}

TEST(Script, IntegerBounds) {
  using Limits = std::numeric_limits<long long>;
  EXPECT_EQ(value_of("9223372036854775807"), ParameterValue(Limits::max()));
  EXPECT_EQ(value_of("-9223372036854775808"), ParameterValue(Limits::min()));
  EXPECT_EQ(parse_error("modparam('m', 'p', 9223372036854775808)"),
            "f.cfg:1:20: expected an integer from -9223372036854775808 to 9223372036854775807, found "
            "'9223372036854775808'");
  EXPECT_EQ(parse_error("modparam('m', 'p', -9223372036854775809)"),
            "f.cfg:1:20: expected an integer from -9223372036854775808 to 9223372036854775807, found "
            "'-9223372036854775809'");
  EXPECT_NE(parse_error("modparam('m', 'p', 99999999999999999999999)"), "");
}

TEST(Script, StringValuesFold) {
  EXPECT_EQ(value_of("\"a\" \"b\"\n'c'"), ParameterValue("abc"));
  EXPECT_EQ(value_of("\"\""), ParameterValue(""));
}

TEST(Script, SizeLimit) {
  EXPECT_TRUE(parse_script(std::string(kMaxScriptSize, ' '), "f.cfg").empty());
  EXPECT_EQ(parse_error(std::string(kMaxScriptSize + 1, ' ')),
            "cannot read the configuration file f.cfg: it is larger than 1 MiB");
}

/// A directory that goes when the test ends.
class ScriptFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "script_test_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    path_ = directory_ + "/f.cfg";
  }
  void TearDown() override {
    unlink(path_.c_str());
    rmdir(directory_.c_str());
  }
  [[nodiscard]] std::string read_error(const std::string& path) const {
    return error_text([&path] { static_cast<void>(read_script(path)); });
  }
  std::string directory_;
  std::string path_;
};

TEST_F(ScriptFile, IsRead) {
  std::ofstream(path_) << "log_level = 4\nloadmodule \"httpd.so\"\n";
  const auto statements = read_script(path_);
  ASSERT_EQ(statements.size(), 2U);
  EXPECT_EQ(std::get<LoadModule>(statements[1]).where.text(), path_ + ":2:1");
}

TEST_F(ScriptFile, LongerThanOneRead) {
  std::ofstream(path_) << std::string(100000, '\n') << "x";
  EXPECT_EQ(read_error(path_),
            path_ + ":100001:1: expected loadmodule, modparam, mpath or log_level, found 'x'");
}

TEST_F(ScriptFile, TooLarge) {
  std::ofstream(path_) << std::string(kMaxScriptSize, '\n');
  EXPECT_TRUE(read_script(path_).empty());
  std::ofstream(path_, std::ios::app) << "\n";
  EXPECT_EQ(read_error(path_), "cannot read the configuration file " + path_ + ": it is larger than 1 MiB");
}

TEST_F(ScriptFile, Missing) {
  EXPECT_EQ(read_error(path_), "cannot read the configuration file " + path_ + ": No such file or directory");
}

TEST_F(ScriptFile, NotRegular) {
  EXPECT_EQ(read_error(directory_),
            "cannot read the configuration file " + directory_ + ": not a regular file");
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(read_error(path_), "cannot read the configuration file " + path_ + ": not a regular file");
}

}  // namespace
}  // namespace httpd::daemon
