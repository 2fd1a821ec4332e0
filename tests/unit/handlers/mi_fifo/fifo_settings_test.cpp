// Tests of the parameters of mi_fifo: defaults, bounds, refusals.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/mi_fifo/fifo_settings.h"

#include <fcntl.h>
#include <fstream>
#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>
#include <variant>

#include "fakes.h"

namespace httpd::mi_fifo {
namespace {

class Settings : public testing::Test {
 protected:
  void set(std::string_view name, const ParameterValue& value) {
    const bool is_string = std::holds_alternative<std::string>(value);
    for (const Parameter& parameter : fifo_parameters(settings_)) {
      if (parameter.name != name || (parameter.type == Parameter::Type::kString) != is_string) continue;
      parameter.set(value);
      return;
    }
    ADD_FAILURE() << "no parameter " << name;
  }
  /// The text of the ConfigError that `check` throws.
  std::string refusal() {
    try {
      check(settings_, log_);
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "no refusal";
  }
  TemporaryDirectory directory_;
  FakeLog log_;
  FifoSettings settings_;
};

TEST_F(Settings, Defaults) {
  EXPECT_EQ(settings_.fifo_name, "/tmp/opensips_fifo");
  EXPECT_EQ(settings_.fifo_mode, 0660U);
  EXPECT_EQ(settings_.reply_dir, "/tmp/");
  EXPECT_FALSE(settings_.pretty_printing);
  EXPECT_FALSE(settings_.fifo_user);
  EXPECT_FALSE(settings_.group());
}

TEST_F(Settings, Mode) {
  set("fifo_name", directory_.path() + "f");
  set("fifo_mode", 0777);
  EXPECT_EQ(settings_.fifo_mode, 0777U);
  EXPECT_THROW(set("fifo_mode", 0777 + 1), ConfigError);
  EXPECT_THROW(set("fifo_mode", -1), ConfigError);
  EXPECT_EQ(refusal(), "no refusal");
  EXPECT_EQ(log_.text(), "");
  set("fifo_mode", 0);
  EXPECT_EQ(refusal(), "no refusal");
  EXPECT_EQ(settings_.fifo_mode, 0600U);
  EXPECT_NE(log_.text().find("fifo_mode"), std::string::npos);
}

TEST_F(Settings, PrettyPrinting) {
  set("pretty_printing", 1);
  EXPECT_TRUE(settings_.pretty_printing);
  EXPECT_THROW(set("pretty_printing", 2), ConfigError);
  EXPECT_THROW(set("pretty_printing", -1), ConfigError);
}

TEST_F(Settings, UserByNameBringsItsGroup) {
  const passwd* const root = ::getpwuid(0);
  ASSERT_NE(root, nullptr);
  const gid_t root_group = root->pw_gid;
  set("fifo_user", std::string(root->pw_name));
  EXPECT_EQ(settings_.fifo_user, uid_t{0});
  EXPECT_EQ(settings_.group(), root_group);
  set("fifo_group", 5);
  EXPECT_EQ(settings_.group(), gid_t{5});
}

TEST_F(Settings, UserByNumberDoesNot) {
  set("fifo_user", 4294967294LL);
  EXPECT_EQ(settings_.fifo_user, uid_t{4294967294U});
  set("fifo_user", std::string("1234"));
  EXPECT_EQ(settings_.fifo_user, uid_t{1234});
  EXPECT_FALSE(settings_.group());
  set("fifo_user", -1);
  EXPECT_FALSE(settings_.fifo_user);
  EXPECT_THROW(set("fifo_user", -2), ConfigError);
  EXPECT_THROW(set("fifo_user", 4294967295LL), ConfigError);
}

TEST_F(Settings, Group) {
  const group* const root = ::getgrgid(0);
  ASSERT_NE(root, nullptr);
  set("fifo_group", std::string(root->gr_name));
  EXPECT_EQ(settings_.group(), gid_t{0});
  set("fifo_group", std::string("77"));
  EXPECT_EQ(settings_.group(), gid_t{77});
  set("fifo_group", -1);
  EXPECT_FALSE(settings_.group());
  EXPECT_THROW(set("fifo_group", 4294967295LL), ConfigError);
}

TEST_F(Settings, UnknownUserAndGroup) {
  for (const char* name : {"no such user", "", "4294967295", "-5", "12x"}) {
    EXPECT_THROW(set("fifo_user", std::string(name)), ConfigError) << name;
    EXPECT_THROW(set("fifo_group", std::string(name)), ConfigError) << name;
  }
}

TEST_F(Settings, ReplyDirectory) {
  set("fifo_name", directory_.path() + "f");
  std::string path = directory_.path();
  path.pop_back();
  set("reply_dir", path);
  EXPECT_EQ(refusal(), "no refusal");
  EXPECT_EQ(settings_.reply_dir, directory_.path());
  set("reply_dir", std::string());
  EXPECT_NE(refusal().find("reply_dir"), std::string::npos);
  set("reply_dir", directory_.path() + "missing");
  EXPECT_NE(refusal().find("No such file"), std::string::npos);
  std::ofstream(directory_.path() + "file") << "x";
  set("reply_dir", directory_.path() + "file");
  EXPECT_NE(refusal().find("not a directory"), std::string::npos);
}

TEST_F(Settings, FifoName) {
  set("fifo_name", std::string());
  EXPECT_NE(refusal().find("fifo_name"), std::string::npos);
  set("fifo_name", directory_.path() + "missing/f");
  EXPECT_NE(refusal().find("No such file"), std::string::npos);
  set("fifo_name", std::string("relative_name"));
  EXPECT_EQ(refusal(), "no refusal");
}

TEST_F(Settings, WhatStandsAtFifoNameIsLeftAlone) {
  const std::string path = directory_.path() + "f";
  set("fifo_name", path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(refusal(), "no refusal");
  EXPECT_TRUE(std::filesystem::is_fifo(path));
  // As a running daemon would while its new configuration is checked.
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  EXPECT_EQ(refusal(), "no refusal");
  ::close(reader);
  set("fifo_name", directory_.path() + "file");
  std::ofstream(directory_.path() + "file") << "precious";
  EXPECT_NE(refusal().find("is not a FIFO"), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(directory_.path() + "file"));
  std::filesystem::create_symlink(path, directory_.path() + "link");
  set("fifo_name", directory_.path() + "link");
  EXPECT_NE(refusal().find("is not a FIFO"), std::string::npos);
}

}  // namespace
}  // namespace httpd::mi_fifo
