// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/inherited_sockets.h"

#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <optional>
#include <sys/socket.h>
#include <vector>

#include "forked.h"
#include "net/listener.h"

namespace httpd::daemon {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int kFirst = 3;

/// What is taken over, as "name url" lines, by a process that was started with these descriptors.
std::string taken(const std::vector<int>& descriptors, const std::optional<std::string>& names,
                  const std::optional<std::string>& pid = {}) {
  return in_fork([&] {
    // First out of the way: they may stand where others are to go.
    std::vector<int> copies;
    copies.reserve(descriptors.size());
    for (const int fd : descriptors)
      copies.push_back(::fcntl(fd, F_DUPFD, 100));
    for (std::size_t i = 0; i < copies.size(); ++i)
      ::dup2(copies[i], kFirst + static_cast<int>(i));
    ::setenv("LISTEN_FDS", std::to_string(descriptors.size()).c_str(), 1);
    ::setenv("LISTEN_PID", pid.value_or(std::to_string(::getpid())).c_str(), 1);
    if (names) ::setenv("LISTEN_FDNAMES", names->c_str(), 1);
    std::string text;
    for (const server::InheritedSocket& socket : take_inherited_sockets())
      text += fmt::format("{} {}\n", socket.name, socket.socket.text());
    for (const char* const name : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"})
      if (!pid && ::getenv(name) != nullptr) text += fmt::format("{} is left\n", name);
    return text;
  });
}

net::ListenSocket listening() {
  net::ListenSocket socket = net::ListenSocket::bind("127.0.0.1", 0);
  socket.listen();
  return socket;
}

TEST(InheritedSockets, NoneWithoutSystemd) {
  EXPECT_EQ(take_inherited_sockets().size(), 0U);
}

TEST(InheritedSockets, ComeWithTheirNames) {
  const net::ListenSocket one = listening();
  const net::ListenSocket other = listening();
  EXPECT_EQ(taken({one.descriptor(), other.descriptor()}, "httpd:web.socket"),
            fmt::format("httpd {}\nweb.socket {}\n", one.text(), other.text()));
  EXPECT_EQ(taken({one.descriptor()}, {}), fmt::format("unknown {}\n", one.text()));
}

TEST(InheritedSockets, ThoseOfAnotherProcessAreLeftAlone) {
  EXPECT_EQ(taken({listening().descriptor()}, "httpd", "1"), "");
}

TEST(InheritedSockets, WhatIsNoListeningStreamSocketIsNamed) {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const net::UniqueFd file(null);
  EXPECT_THAT(taken({file.get()}, "web"),
              AllOf(HasSubstr("descriptor 3 (\"web\")"), HasSubstr("is no socket")));
  const net::UniqueFd datagrams(::socket(AF_INET, SOCK_DGRAM, 0));
  const net::ListenSocket good = listening();
  EXPECT_THAT(taken({good.descriptor(), datagrams.get()}, "a:b\""),
              AllOf(HasSubstr("descriptor 4 (\"b\\\"\")"), HasSubstr("ListenStream=")));
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const net::UniqueFd near(pair[0]);
  const net::UniqueFd far(pair[1]);
  EXPECT_THAT(taken({near.get()}, "web"), HasSubstr("leave Accept=yes out"));
}

TEST(InheritedSockets, AnnouncementsThatAreNotTrueAreErrors) {
  EXPECT_THAT(taken({listening().descriptor()}, "one:two"), HasSubstr("LISTEN_FDNAMES"));
  EXPECT_THAT(in_fork([] {
                ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
                ::setenv("LISTEN_FDS", "many", 1);
                return std::to_string(take_inherited_sockets().size());
              }),
              HasSubstr("LISTEN_FDS"));
}

}  // namespace
}  // namespace httpd::daemon
