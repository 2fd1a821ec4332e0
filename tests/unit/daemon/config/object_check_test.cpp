// Which files are modules, told without running them; damaged files among them.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/config/object_check.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <random>
#include <string>
#include <sys/stat.h>

#include "notes.h"

namespace httpd::daemon {
namespace {

namespace fs = std::filesystem;

const fs::path kModules = CONFIG_TEST_MODULES;
constexpr auto kForeign = "not a module of opensips-httpd (an OpenSIPS module cannot be loaded here)";
constexpr auto kNoObject = "not a shared object of this machine";

class ObjectCheck : public testing::Test {
 protected:
  void SetUp() override {
    notes().clear();
    std::string pattern = testing::TempDir() + "object_check_test_XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { fs::remove_all(directory_); }
  [[nodiscard]] std::optional<std::string> check_bytes(const std::string& bytes) const {
    const fs::path path = directory_ / "x.so";
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    return why_not_a_module(path);
  }
  static std::string bytes_of(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  fs::path directory_;
};

TEST_F(ObjectCheck, KnowsModules) {
  EXPECT_EQ(why_not_a_module(kModules / "good_c.so"), std::nullopt);
  EXPECT_EQ(why_not_a_module(kModules / "good_cpp.so"), std::nullopt);
  EXPECT_EQ(why_not_a_module(kModules / "wrong_abi_c.so"), std::nullopt);
}

TEST_F(ObjectCheck, KnowsForeignObjects) {
  EXPECT_EQ(why_not_a_module(kModules / "foreign.so"), kForeign);
  EXPECT_TRUE(notes().empty());
}

TEST_F(ObjectCheck, OtherFiles) {
  EXPECT_EQ(why_not_a_module(directory_ / "none.so"), "No such file or directory");
  EXPECT_EQ(why_not_a_module(directory_), "not a regular file");
  ASSERT_EQ(mkfifo((directory_ / "fifo.so").c_str(), 0600), 0);
  EXPECT_EQ(why_not_a_module(directory_ / "fifo.so"), "not a regular file");
  EXPECT_EQ(check_bytes(""), kNoObject);
  EXPECT_EQ(check_bytes("INPUT(libc.so.6)\n" + std::string(200, ' ')), kNoObject);
}

TEST_F(ObjectCheck, OtherMachines) {
  const std::string module = bytes_of(kModules / "good_c.so");
  for (const std::size_t offset : {4U, 5U, 16U}) {  // EI_CLASS, EI_DATA, e_type
    std::string changed = module;
    changed[offset] = static_cast<char>(changed[offset] ^ 3);
    EXPECT_EQ(check_bytes(changed), kNoObject) << offset;
  }
}

TEST_F(ObjectCheck, CutFiles) {
  const std::string module = bytes_of(kModules / "good_c.so");
  for (std::size_t size = 0; size < module.size(); size += module.size() / 50 + 1) {
    EXPECT_NE(check_bytes(module.substr(0, size)), std::nullopt) << size;
  }
}

TEST_F(ObjectCheck, HeadersThatPointAnywhere) {
  const std::string module = bytes_of(kModules / "good_c.so");
  for (std::size_t offset = 16; offset < 64; ++offset) {
    std::string changed = module;
    changed[offset] = '\xff';
    static_cast<void>(check_bytes(changed));
  }
}

TEST_F(ObjectCheck, RandomDamage) {
  const std::string module = bytes_of(kModules / "good_c.so");
  std::mt19937 random(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same damage each time
  for (int round = 0; round < 300; ++round) {
    std::string changed = module;
    // The section headers stand at the end of the file; most of the damage goes there.
    for (int i = 0; i < 40; ++i) {
      const std::size_t from = i % 4 == 0 ? 16 : changed.size() - changed.size() / 8;
      changed[from + random() % (changed.size() - from)] = static_cast<char>(random());
    }
    static_cast<void>(check_bytes(changed));
  }
}

}  // namespace
}  // namespace httpd::daemon
