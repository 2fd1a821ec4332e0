// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/privileges.h"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <vector>

#include "forked.h"

namespace httpd::daemon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr uid_t kNobody = 65534;
constexpr const char* kUnknownUser = "54321";  // a number without an entry

std::string refusal(const std::string& user, const std::string& group) {
  try {
    const Privileges privileges(user, group);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "none";
}

/// "ruid euid suid rgid egid sgid: groups" of this process.
std::string identity() {
  uid_t uid[3];
  gid_t gid[3];
  ::getresuid(&uid[0], &uid[1], &uid[2]);
  ::getresgid(&gid[0], &gid[1], &gid[2]);
  std::vector<gid_t> groups(64);
  groups.resize(static_cast<std::size_t>(::getgroups(64, groups.data())));
  std::sort(groups.begin(), groups.end());
  return fmt::format("{} {} {} {} {} {}: {}", uid[0], uid[1], uid[2], gid[0], gid[1], gid[2],
                     fmt::join(groups, " "));
}

/// Who a process is after it dropped its privileges; before, it had some supplementary groups.
std::string after_drop(const std::string& user, const std::string& group) {
  return in_fork([&] {
    const std::vector<gid_t> many{0, 4, 24, 4711};
    if (::setgroups(many.size(), many.data()) != 0) return std::string("setgroups failed");
    Privileges(user, group).drop();
    return identity();
  });
}

TEST(Privileges, NothingAskedForChangesNothing) {
  const Privileges none("", "");
  EXPECT_FALSE(none.requested());
  const std::string before = identity();
  none.drop();
  EXPECT_EQ(identity(), before);
}

TEST(Privileges, UnknownNamesAreErrors) {
  EXPECT_THAT(refusal("no-such-user", ""), AllOf(HasSubstr("-u"), HasSubstr("\"no-such-user\"")));
  EXPECT_THAT(refusal("nobody", "no-such-group"), AllOf(HasSubstr("-g"), HasSubstr("\"no-such-group\"")));
  EXPECT_THAT(refusal("4294967295", "0"), HasSubstr("there is no user"));
  EXPECT_THAT(refusal("-1", "0"), HasSubstr("there is no user"));
}

TEST(Privileges, ANumberWithoutAnEntryNeedsItsGroup) {
  ASSERT_EQ(::getpwuid(54321), nullptr);
  EXPECT_THAT(refusal(kUnknownUser, ""), HasSubstr("give the group with option -g"));
  EXPECT_EQ(refusal(kUnknownUser, "54321"), "none");
}

TEST(Privileges, TellsWhomItChangesTo) {
  EXPECT_EQ(Privileges("nobody", "").text(), "user nobody (65534), group 65534");
  EXPECT_EQ(Privileges("65534", "0").text(), "user nobody (65534), group 0");
  EXPECT_EQ(Privileges(kUnknownUser, "7").text(), "user 54321, group 7");
  EXPECT_EQ(Privileges("", "7").text(), "group 7");
}

class DropTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  }
};

TEST_F(DropTest, AUserBringsItsGroups) {
  const std::string nobody = "65534 65534 65534 65534 65534 65534: 65534";
  EXPECT_EQ(after_drop("nobody", ""), nobody);
  EXPECT_EQ(after_drop("65534", ""), nobody) << "by number likewise";
}

TEST_F(DropTest, TheGroupMayBeAnotherOne) {
  EXPECT_EQ(after_drop("nobody", "4711"), "65534 65534 65534 4711 4711 4711: 4711");
}

TEST_F(DropTest, AUserWithoutAnEntryHasNoOtherGroups) {
  EXPECT_EQ(after_drop(kUnknownUser, "4711"), "54321 54321 54321 4711 4711 4711: ");
}

TEST_F(DropTest, TheGroupAloneMayBeAskedFor) {
  EXPECT_EQ(after_drop("", "4711"), "0 0 0 4711 4711 4711: ");
}

TEST_F(DropTest, ThereIsNoWayBack) {
  EXPECT_EQ(in_fork([] {
              Privileges("nobody", "").drop();
              const bool back =
                  ::setuid(0) == 0 || ::seteuid(0) == 0 || ::setgid(0) == 0 || ::setgroups(0, nullptr) == 0;
              return std::string(back ? "back" : "no");
            }),
            "no");
}

TEST_F(DropTest, AWayBackIsAnError) {
  EXPECT_THAT(in_fork([] {
                constexpr unsigned long kNoFixup = 1UL << 2U;  // SECBIT_NO_SETUID_FIXUP
                if (::prctl(PR_SET_SECUREBITS, kNoFixup) != 0)
                  return std::string("cannot be tried: securebits");
                Privileges("nobody", "").drop();
                return identity();
              }),
              HasSubstr("securebits"));
}

TEST_F(DropTest, TheDeathOfTheParentStaysASignal) {
  EXPECT_EQ(in_fork([] {
              ::prctl(PR_SET_PDEATHSIG, SIGTERM);
              Privileges("nobody", "").drop();
              int signal = 0;
              ::prctl(PR_GET_PDEATHSIG, &signal);
              return std::to_string(signal);
            }),
            std::to_string(SIGTERM));
}

TEST_F(DropTest, WhoIsNotRootMayOnlyAskForWhatItIs) {
  const auto as_nobody = [](const std::string& user, const std::string& group) {
    return in_fork([&] {
      if (::setresgid(kNobody, kNobody, kNobody) != 0 || ::setresuid(kNobody, kNobody, kNobody) != 0)
        return std::string("cannot be tried");
      Privileges(user, group).drop();
      return std::string("none");
    });
  };
  EXPECT_EQ(as_nobody("nobody", ""), "none");
  EXPECT_EQ(as_nobody("", "65534"), "none");
  EXPECT_THAT(as_nobody("root", ""),
              AllOf(HasSubstr("only root can change to user root (0)"), HasSubstr("this is user 65534")));
  EXPECT_THAT(as_nobody("nobody", "0"), HasSubstr("only root"));
  EXPECT_THAT(as_nobody("", "0"), HasSubstr("only root"));
}

}  // namespace
}  // namespace httpd::daemon
