// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_file.h"

#include <gmock/gmock.h>
#include <string>
#include <sys/stat.h>

#include "net/tls_error.h"
#include "tls_fixture.h"

namespace httpd::net {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class TlsFileTest : public ::testing::Test {
 protected:
  /// Why the file is refused; "" when it is not.
  static std::string refusal(const std::string& path, bool is_private = false) {
    try {
      const TlsFile file("tls_key_file", path, is_private);
    } catch (const TlsError& error) {
      return error.what();
    }
    return {};
  }
  TemporaryFolder folder;
};

TEST_F(TlsFileTest, GivesTheBytesAsTheyAre) {
  const std::string bytes("a\0b\n", 4);
  const TlsFile file("tls_key_file", folder.write("file", bytes), true);
  EXPECT_EQ(file.bytes(), bytes);
}

TEST_F(TlsFileTest, NamesTheParameterAndTheFileThatCannotBeRead) {
  const std::string missing = folder.path("missing");
  EXPECT_EQ(refusal(missing), "tls_key_file \"" + missing + "\" cannot be read: No such file or directory");
  EXPECT_THAT(refusal(folder.write("file", "x") + "/below"), HasSubstr("Not a directory"));
  EXPECT_THAT(refusal(""), StartsWith("tls_key_file \"\" cannot be read: "));
}

TEST_F(TlsFileTest, WhatIsNoRegularFileIsRefusedAndNotWaitedFor) {
  EXPECT_THAT(refusal(folder.path("")), HasSubstr("is not a regular file"));
  const std::string fifo = folder.path("fifo");
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_THAT(refusal(fifo), HasSubstr("is not a regular file"));
  EXPECT_THAT(refusal("/dev/zero"), HasSubstr("is not a regular file"));
}

TEST_F(TlsFileTest, TheSizeHasItsBounds) {
  EXPECT_THAT(refusal(folder.write("empty", "")), HasSubstr("is empty"));
  EXPECT_EQ(refusal(folder.write("short", "x")), "");
  EXPECT_EQ(refusal(folder.write("long", std::string(TlsFile::kMaxSize, 'x'))), "");
  const std::string text = refusal(folder.write("longer", std::string(TlsFile::kMaxSize + 1, 'x')));
  EXPECT_THAT(text, HasSubstr(std::to_string(TlsFile::kMaxSize + 1)));
  EXPECT_THAT(text, HasSubstr("more than " + std::to_string(TlsFile::kMaxSize)));
}

TEST_F(TlsFileTest, APrivateFileIsClosedToOthers) {
  const std::string file = folder.path("key");
  for (const mode_t good : {0400U, 0600U, 0640U, 0660U, 0601U, 0770U})
    EXPECT_EQ(refusal(folder.write("key", "x", good), true), "") << std::oct << good;
  for (const mode_t bad : {0604U, 0602U, 0606U, 0644U, 0777U})
    EXPECT_THAT(refusal(folder.write("key", "x", bad), true), HasSubstr("run: chmod o-rwx '" + file + "'"))
        << std::oct << bad;
  EXPECT_THAT(refusal(folder.write("key", "x", 0604), true), HasSubstr("(mode 0604)"));
  EXPECT_THAT(refusal(file, true), HasSubstr("tls_key_permissions_check to 0"));
  EXPECT_EQ(refusal(file, false), "") << "a certificate may be seen by everybody";
}

TEST_F(TlsFileTest, ALinkIsLookedAtWhereItLeads) {
  const std::string target = folder.write("key", "x", 0600);
  const std::string link = folder.path("link");
  ASSERT_EQ(::symlink(target.c_str(), link.c_str()), 0);
  EXPECT_EQ(refusal(link, true), "");
  ASSERT_EQ(::chmod(target.c_str(), 0644), 0);
  EXPECT_THAT(refusal(link, true), HasSubstr("is open to every user"));
}

}  // namespace
}  // namespace httpd::net
