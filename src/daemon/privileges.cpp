// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/privileges.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <httpd/module.h>

#include "http/escape.h"
#include "net/unix_socket.h"

namespace httpd::daemon {
namespace {

[[noreturn]] void fail(const std::string& whom, const char* call) {
  const int error = errno;
  throw ConfigError(fmt::format("cannot change to {}: {}: {}; CAP_SETUID and CAP_SETGID are needed", whom,
                                call, std::strerror(error)));
}

}  // namespace

Privileges::Privileges(const std::string& user, const std::string& group) {
  if (!group.empty()) {
    group_ = net::find_group(group);
    if (!group_)
      throw ConfigError(
          fmt::format("option -g: there is no group \"{}\"; give a name or number of getent group",
                      http::escape_for_log(group)));
  }
  if (user.empty()) return;
  user_ = net::find_user(user);
  if (!user_)
    throw ConfigError(
        fmt::format("option -u: there is no user \"{}\"; give a name or number of getent passwd",
                    http::escape_for_log(user)));
  // By name where one was given: two names may share a number, and differ in their groups.
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr || entry->pw_uid != *user_) entry = ::getpwuid(*user_);
  if (entry != nullptr) {
    user_name_ = entry->pw_name;
    if (!group_) group_ = entry->pw_gid;
  } else if (!group_) {
    throw ConfigError(fmt::format(
        "option -u: user {} has no entry that tells its group; give the group with option -g", *user_));
  }
}

void Privileges::drop() const {
  if (!requested()) return;
  const uid_t user = user_.value_or(::geteuid());
  const gid_t group = group_.value_or(::getegid());
  if (::geteuid() != 0) {
    if (user == ::geteuid() && user == ::getuid() && group == ::getegid() && group == ::getgid()) return;
    throw ConfigError(fmt::format(
        "only root can change to {}, and this is user {}; start the daemon as root, or without the "
        "options -u and -g",
        text(), ::geteuid()));
  }
  int parent_death_signal = 0;
  ::prctl(PR_GET_PDEATHSIG, &parent_death_signal);
  const bool known = !user_name_.empty();
  if ((known ? ::initgroups(user_name_.c_str(), group) : ::setgroups(0, nullptr)) != 0)
    fail(text(), known ? "initgroups" : "setgroups");
  if (::setresgid(group, group, group) != 0) fail(text(), "setresgid");
  if (::setresuid(user, user, user) != 0) fail(text(), "setresuid");
  // A process that keeps a way back has dropped nothing; securebits can leave it one.
  if (user != 0 && (::setuid(0) == 0 || ::geteuid() == 0 || (group != 0 && ::setgid(0) == 0)))
    throw ConfigError(
        fmt::format("changed to {}, but could change back to root: start the daemon without "
                    "securebits that keep capabilities",
                    text()));
  // The kernel forgets it with the change.
  if (parent_death_signal != 0) ::prctl(PR_SET_PDEATHSIG, parent_death_signal);
}

std::string Privileges::text() const {
  std::string text;
  if (user_)
    text =
        user_name_.empty() ? fmt::format("user {}", *user_) : fmt::format("user {} ({})", user_name_, *user_);
  if (group_) text += fmt::format("{}group {}", text.empty() ? "" : ", ", *group_);
  return text;
}

}  // namespace httpd::daemon
