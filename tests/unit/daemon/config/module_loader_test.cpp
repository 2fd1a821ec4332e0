// How loadmodule finds, refuses, makes and destroys modules.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config/module_loader.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "daemon/config/parameters.h"
#include "error_text.h"
#include "fake_host.h"
#include "notes.h"

namespace httpd::daemon {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const fs::path kModules = CONFIG_TEST_MODULES;

class BuiltIn final : public Module {
 public:
  BuiltIn() = default;
  BuiltIn(const BuiltIn&) = delete;
  BuiltIn& operator=(const BuiltIn&) = delete;
  ~BuiltIn() override { config_test_note("httpd gone"); }
  [[nodiscard]] std::string_view name() const override { return "httpd"; }
  void init(Host& /*host*/) override {}
};

class Loader : public testing::Test {
 protected:
  void SetUp() override {
    notes().clear();
    std::string pattern = testing::TempDir() + "module_loader_test_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { fs::remove_all(directory_); }
  static std::vector<BuiltInModule> built_in() {
    return {{"httpd", [] { return std::make_unique<BuiltIn>(); }}};
  }
  static Module& load(ModuleLoader& loader, const std::string& file, int line = 1) {
    return loader.load({{"f.cfg", line, 1}, file});
  }
  static std::string load_error(ModuleLoader& loader, const std::string& file, int line = 1) {
    return error_text([&] { load(loader, file, line); });
  }
  /// Puts the test module `name` at `place` below the test's directory.
  void put(const std::string& name, const std::string& place) const {
    const fs::path to = directory_ / place;
    fs::create_directories(to.parent_path());
    fs::copy_file(kModules / name, to);
  }
  fs::path directory_;
};

TEST_F(Loader, BuiltInModulesByAllTheirNames) {
  for (const auto file : {"httpd.so", "httpd", "httpd/httpd.so", "httpd/httpd"}) {
    ModuleLoader loader(kModules, built_in());
    Module& module = load(loader, file);
    EXPECT_EQ(module.name(), "httpd");
    EXPECT_THAT(loader.loaded(), ElementsAre(&module));
  }
}

TEST_F(Loader, OwnDirectory) {
  ModuleLoader loader(kModules, {});
  EXPECT_EQ(load(loader, "good_cpp.so").name(), "good_cpp");
  EXPECT_EQ(load(loader, "good_c").name(), "good_c");
  EXPECT_THAT(loader.loaded(), testing::SizeIs(2));
}

TEST_F(Loader, OwnDirectoryForTheFolderForm) {
  ModuleLoader loader(kModules, {});
  EXPECT_EQ(load(loader, "good_c/good_c.so").name(), "good_c");
}

TEST_F(Loader, AbsolutePath) {
  ModuleLoader loader("/nonexistent", {});
  EXPECT_EQ(load(loader, kModules / "good_c.so").name(), "good_c");
}

TEST_F(Loader, ModulePathsInTheirOrder) {
  put("good_cpp.so", "a/x.so");
  put("good_c.so", "b/x.so");
  put("good_c.so", "b/y/y.so");
  put("good_c.so", "b/sub/z.so");
  for (const auto& [file, name] :
       {std::pair{"x.so", "good_cpp"}, {"y.so", "good_c"}, {"sub/z.so", "good_c"}}) {
    ModuleLoader loader("/nonexistent", {});
    loader.add_path(directory_ / "a");
    loader.add_path(directory_ / "b/");
    EXPECT_EQ(load(loader, file).name(), name) << file;
  }
}

TEST_F(Loader, OwnDirectoryComesBeforeModulePaths) {
  put("foreign.so", "good_c.so");
  ModuleLoader loader(kModules, {});
  loader.add_path(directory_);
  EXPECT_EQ(load(loader, "good_c.so").name(), "good_c");
}

TEST_F(Loader, ForeignObjectsArePassedOverAndNeverRun) {
  put("foreign.so", "a/x.so");
  put("good_c.so", "b/x.so");
  ModuleLoader loader("/nonexistent", {});
  loader.add_path(directory_ / "a");
  EXPECT_THAT(load_error(loader, "x.so"),
              HasSubstr("a/x.so: not a module of opensips-httpd (an OpenSIPS module cannot be loaded here)"));
  loader.add_path(directory_ / "b");
  EXPECT_EQ(load(loader, "x.so").name(), "good_c");
  EXPECT_THAT(notes(), ElementsAre());
}

TEST_F(Loader, NotFoundSaysWhereItLooked) {
  ModuleLoader loader("/nonexistent/own", built_in());
  loader.add_path("/nonexistent/path");
  EXPECT_EQ(load_error(loader, "tm.so", 7),
            "f.cfg:7:1: cannot load module \"tm.so\"; looked at "
            "/nonexistent/own/tm.so: No such file or directory, "
            "/nonexistent/own/tm/tm.so: No such file or directory, "
            "/nonexistent/path/tm.so: No such file or directory, "
            "/nonexistent/path/tm/tm.so: No such file or directory; built in: httpd");
  EXPECT_EQ(load_error(loader, "a/b.so"),
            "f.cfg:1:1: cannot load module \"a/b.so\"; looked at "
            "/nonexistent/own/a/b.so: No such file or directory, "
            "/nonexistent/path/a/b.so: No such file or directory; built in: httpd");
}

TEST_F(Loader, WorkingDirectoryOnlyWithoutModulePaths) {
  put("good_c.so", "sub/x.so");
  const fs::path before = fs::current_path();
  fs::current_path(directory_);
  {
    ModuleLoader with_path("/nonexistent", {});
    with_path.add_path("/nonexistent");
    EXPECT_NE(load_error(with_path, "./sub/x.so"), "");
    ModuleLoader loader("/nonexistent", {});
    EXPECT_NE(load_error(loader, "x.so"), "");
    EXPECT_EQ(load(loader, "./sub/x.so").name(), "good_c");
  }
  fs::current_path(before);
}

TEST_F(Loader, PathsOfOpenSipsModulesLeadToOurs) {
  put("foreign.so", "httpd.so");
  put("foreign.so", "good_c.so");
  for (const std::string& folder : {directory_.string(), std::string("/nonexistent/opensips/modules")}) {
    ModuleLoader loader(kModules, built_in());
    EXPECT_EQ(load(loader, folder + "/httpd.so").name(), "httpd");
    EXPECT_EQ(load(loader, folder + "/good_c.so").name(), "good_c");
    EXPECT_THAT(load_error(loader, folder + "/tm.so"), testing::EndsWith("; built in: httpd"));
  }
  EXPECT_THAT(notes(), testing::Each("httpd gone")) << "of our own; the others are never run";
}

TEST_F(Loader, TwiceNamesBothLines) {
  ModuleLoader loader(kModules, built_in());
  load(loader, "httpd.so", 2);
  load(loader, "good_c.so", 3);
  load(loader, "good_cpp.so", 4);
  EXPECT_EQ(load_error(loader, "httpd", 5),
            "f.cfg:5:1: module httpd is already loaded, by the line at f.cfg:2:1");
  EXPECT_EQ(load_error(loader, kModules / "good_c.so", 6),
            "f.cfg:6:1: module good_c is already loaded, by the line at f.cfg:3:1");
  EXPECT_EQ(load_error(loader, "good_cpp", 7),
            "f.cfg:7:1: module good_cpp is already loaded, by the line at f.cfg:4:1");
  EXPECT_THAT(loader.loaded(), testing::SizeIs(3));
}

TEST_F(Loader, EmptyName) {
  ModuleLoader loader(kModules, {});
  EXPECT_EQ(load_error(loader, ""), "f.cfg:1:1: expected the file name of a module, found \"\"");
  EXPECT_NE(load_error(loader, ".so"), "");
  EXPECT_NE(load_error(loader, "/"), "");
}

TEST_F(Loader, BrokenModules) {
  const std::pair<const char*, const char*> cases[] = {
      {"wrong_abi_c.so", "built for version 2 of the C module interface, this daemon has version 1"},
      {"wrong_abi_cpp.so", "built for version 5 of the C++ module interface, this daemon has version 4"},
      {"no_module.so", "httpd_module_create returned nothing"},
      {"no_name.so", "the module has no name"},
      {"throws.so", "cannot be made"},
  };
  for (const auto& [file, why] : cases) {
    ModuleLoader loader(kModules, {});
    EXPECT_EQ(load_error(loader, file, 3),
              "f.cfg:3:1: cannot load module " + (kModules / file).string() + ": " + why);
    EXPECT_THAT(loader.loaded(), testing::IsEmpty());
  }
}

TEST_F(Loader, WhatTheDynamicLinkerRefuses) {
  ModuleLoader loader(kModules, {});
  const std::string text = load_error(loader, "unresolved.so");
  EXPECT_THAT(text,
              StartsWith("f.cfg:1:1: cannot load module " + (kModules / "unresolved.so").string() + ": "));
  EXPECT_THAT(text, HasSubstr("config_test_missing_symbol"));
}

TEST_F(Loader, DestroysInReverseOrder) {
  {
    ModuleLoader loader(kModules, built_in());
    load(loader, "httpd.so");
    load(loader, "good_cpp.so");
    FakeHost host;
    load(loader, "good_c.so").init(host);
    notes().clear();
  }
  EXPECT_THAT(notes(), ElementsAre("good_c destroy", "good_cpp gone", "httpd gone"));
}

TEST_F(Loader, CModulesGetTheirParameters) {
  FakeHost host;
  {
    ModuleLoader loader(kModules, {});
    Module& module = load(loader, "good_c.so");
    apply_parameter({{"f.cfg", 2, 1}, "good_c", "text", "good bye", {"f.cfg", 2, 5}}, loader.loaded());
    module.init(host);
  }
  EXPECT_THAT(notes(), ElementsAre("good_c init", "good bye"));
  ModuleLoader loader(kModules, {});
  Module& module = load(loader, "good_c.so");
  apply_parameter({{"f.cfg", 2, 1}, "good_c", "number", -1LL, {"f.cfg", 2, 5}}, loader.loaded());
  EXPECT_EQ(error_text([&] { module.init(host); }), "mod_init of module good_c failed; see the lines above");
}

TEST_F(Loader, ErrorsOfACppModuleAreCaughtAsConfigError) {
  ModuleLoader loader(kModules, {});
  Module& module = load(loader, "good_cpp.so");
  FakeHost host;
  EXPECT_EQ(error_text([&] { module.init(host); }), "good_cpp says no");
  const SetParameter line{{"f.cfg", 2, 1}, "good_cpp", "level", 11LL, {"f.cfg", 2, 5}};
  EXPECT_EQ(error_text([&] { apply_parameter(line, loader.loaded()); }),
            "f.cfg:2:5: modparam \"good_cpp\" \"level\": value 11 is out of range: 1 to 10");
}

}  // namespace
}  // namespace httpd::daemon
