// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/listener.h"

#include <cstddef>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <system_error>
#include <utility>
#include <vector>

namespace httpd::net {
namespace {

struct Acceptor final : Listener::Acceptor {
  void on_accept(UniqueFd fd, const Address& peer, const ListenSocket& /*listener*/) override {
    accepted.push_back(std::move(fd));
    peers.push_back(peer);
  }
  void on_accept_failure(int error) override { failures.push_back(error); }
  std::vector<UniqueFd> accepted;
  std::vector<Address> peers;
  std::vector<int> failures;
};

UniqueFd connect_to(std::string_view ip, std::uint16_t port) {
  const auto address = Address::parse(ip, port);
  UniqueFd fd(::socket(address->family(), SOCK_STREAM, 0));
  EXPECT_EQ(::connect(fd.get(), &address->get(), address->size()), 0) << ip;
  return fd;
}

bool has_ipv6() {
  try {
    ListenSocket::bind("::1", 0);
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}

TEST(ListenSocket, StarTakesBothFamilies) {
  ListenSocket socket = ListenSocket::bind("*", 0);
  socket.listen();
  const std::uint16_t port = socket.address().port();
  EXPECT_NE(port, 0);
  EXPECT_EQ(socket.text(), "*:" + std::to_string(port));
  EXPECT_FALSE(socket.is_loopback());
  EventLoop loop;
  Acceptor acceptor;
  const Listener listener(loop, socket, acceptor);
  const UniqueFd v4 = connect_to("127.0.0.1", port);
  loop.run_once();
  ASSERT_EQ(acceptor.peers.size(), 1U);
  EXPECT_EQ(acceptor.peers[0].family(), AF_INET);
  if (has_ipv6()) {
    const UniqueFd v6 = connect_to("::1", port);
    loop.run_once();
    ASSERT_EQ(acceptor.peers.size(), 2U);
    EXPECT_EQ(acceptor.peers[1].family(), AF_INET6);
  }
}

TEST(ListenSocket, ALiteralTakesItsFamilyOnly) {
  if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
  const ListenSocket v6 = ListenSocket::bind("::", 0);
  // The same port is free for IPv4: the first socket is not dual-stack.
  EXPECT_NO_THROW(ListenSocket::bind("0.0.0.0", v6.address().port()));
}

TEST(ListenSocket, ErrorsAreTold) {
  ListenSocket first = ListenSocket::bind("127.0.0.1", 0);
  first.listen();
  try {
    ListenSocket::bind("127.0.0.1", first.address().port());
    FAIL();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code().value(), EADDRINUSE);
  }
  EXPECT_THROW(ListenSocket::bind("localhost", 0), std::system_error);
  EXPECT_THROW(ListenSocket::bind("192.0.2.1", 0), std::system_error);
}

/// What adopting a copy of this descriptor fails with; 0 when it does not.
int adoption_error(int fd) {
  try {
    ListenSocket::adopt(UniqueFd(::dup(fd)));
    return 0;
  } catch (const std::system_error& error) {
    return error.code().value();
  }
}

TEST(ListenSocket, AdoptsTcpAndMakesItLikeItsOwn) {
  UniqueFd plain(::socket(AF_INET, SOCK_STREAM, 0));
  const auto any = Address::parse("127.0.0.1", 0);
  ASSERT_EQ(::bind(plain.get(), &any->get(), any->size()), 0);
  EXPECT_EQ(adoption_error(plain.get()), EINVAL) << "it does not listen yet";
  ASSERT_EQ(::listen(plain.get(), 5), 0);
  const ListenSocket socket = ListenSocket::adopt(std::move(plain));
  const int fd = socket.descriptor();
  EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
  EXPECT_NE(::fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  for (const auto& [level, name] : {std::pair<int, int>(IPPROTO_TCP, TCP_NODELAY),
                                    {SOL_SOCKET, SO_KEEPALIVE},
                                    {SOL_SOCKET, SO_OOBINLINE},
                                    {IPPROTO_TCP, TCP_NOTSENT_LOWAT}}) {
    int value = 0;
    socklen_t length = sizeof value;
    ASSERT_EQ(::getsockopt(fd, level, name, &value, &length), 0);
    EXPECT_NE(value, 0) << name;
  }
  EXPECT_EQ(socket.text(), "127.0.0.1:" + std::to_string(socket.address().port()));
  EXPECT_FALSE(socket.is_dual_stack());
  EventLoop loop;
  Acceptor acceptor;
  const Listener listener(loop, socket, acceptor);
  const UniqueFd client = connect_to("127.0.0.1", socket.address().port());
  loop.run_once();
  EXPECT_EQ(acceptor.accepted.size(), 1U);
}

TEST(ListenSocket, AdoptionTellsDualStackFromIpv6) {
  if (!has_ipv6()) GTEST_SKIP() << "no IPv6 here";
  for (const std::string_view ip : {"*", "::"}) {
    ListenSocket bound = ListenSocket::bind(ip, 0);
    bound.listen();
    const ListenSocket adopted = ListenSocket::adopt(UniqueFd(::dup(bound.descriptor())));
    EXPECT_EQ(adopted.is_dual_stack(), ip == "*");
    EXPECT_EQ(adopted.text(), bound.text());
  }
}

TEST(ListenSocket, AdoptsUnixSocketsAndLeavesTheirFiles) {
  const std::string path = ::testing::TempDir() + "adopted." + std::to_string(::getpid());
  {
    const ListenSocket bound = ListenSocket::bind_unix({path, 0600, {}, {}});
    EXPECT_TRUE(bound.is_unix());
    EXPECT_EQ(bound.text(), path);
    EXPECT_TRUE(bound.is_loopback());
  }
  EXPECT_NE(::access(path.c_str(), F_OK), 0) << "its own file is gone";

  sockaddr_un named{AF_UNIX, {}};
  path.copy(named.sun_path, sizeof named.sun_path - 1);
  const sockaddr_un abstract{AF_UNIX, "\0abstract"};
  const struct {
    const sockaddr_un* address;
    std::size_t length;
    std::string text;
  } rows[] = {
      {&named, sizeof named, path},
      {&abstract, offsetof(sockaddr_un, sun_path) + 9, "@abstract"},
      {&abstract, sizeof(sa_family_t), "@"},  // the kernel chooses five digits
  };
  for (const auto& row : rows) {
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    ASSERT_EQ(
        ::bind(fd.get(), reinterpret_cast<const sockaddr*>(row.address), static_cast<socklen_t>(row.length)),
        0);
    ASSERT_EQ(::listen(fd.get(), 1), 0);
    const ListenSocket adopted = ListenSocket::adopt(std::move(fd));
    EXPECT_EQ(adopted.text().substr(0, row.text.size()), row.text);
    EXPECT_EQ(adopted.address().family(), AF_UNIX);
  }
  EXPECT_EQ(::unlink(path.c_str()), 0) << "an adopted socket's file stays";
}

TEST(ListenSocket, AdoptsNothingElse) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const UniqueFd reader(pipe[0]);
  const UniqueFd writer(pipe[1]);
  EXPECT_EQ(adoption_error(reader.get()), ENOTSOCK);
  const UniqueFd datagrams(::socket(AF_INET, SOCK_DGRAM, 0));
  EXPECT_EQ(adoption_error(datagrams.get()), EPROTOTYPE);
  const UniqueFd packets(::socket(AF_UNIX, SOCK_SEQPACKET, 0));
  EXPECT_EQ(adoption_error(packets.get()), EPROTOTYPE);
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const UniqueFd near(pair[0]);
  const UniqueFd far(pair[1]);
  EXPECT_EQ(adoption_error(near.get()), EINVAL) << "connected: Accept=yes";
  EXPECT_EQ(adoption_error(-1), EBADF);
}

TEST(Listener, AcceptsAllThatWaitBeforeItsEnd) {
  ListenSocket socket = ListenSocket::bind("127.0.0.1", 0);
  socket.listen();
  EventLoop loop;
  Acceptor acceptor;
  Listener listener(loop, socket, acceptor);
  std::vector<UniqueFd> clients;
  for (int i = 0; i < 100; ++i)
    clients.push_back(connect_to("127.0.0.1", socket.address().port()));
  EXPECT_TRUE(acceptor.accepted.empty());
  listener.accept_waiting();
  EXPECT_EQ(acceptor.accepted.size(), 100U) << "more than in one turn of the loop";
  listener.accept_waiting();
  EXPECT_EQ(acceptor.accepted.size(), 100U);
}

TEST(Listener, UnixClientsHaveTheirFamily) {
  const std::string path = ::testing::TempDir() + "peers." + std::to_string(::getpid());
  const ListenSocket socket = ListenSocket::bind_unix({path, 0600, {}, {}});
  EventLoop loop;
  Acceptor acceptor;
  const Listener listener(loop, socket, acceptor);
  const UniqueFd client(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{AF_UNIX, {}};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  loop.run_once();
  ASSERT_EQ(acceptor.peers.size(), 1U);
  EXPECT_EQ(acceptor.peers[0].family(), AF_UNIX);
}

TEST(Listener, AcceptedSocketsAreReadyForUse) {
  ListenSocket socket = ListenSocket::bind("127.0.0.1", 0);
  socket.listen();
  EventLoop loop;
  Acceptor acceptor;
  const Listener listener(loop, socket, acceptor);
  const UniqueFd client = connect_to("127.0.0.1", socket.address().port());
  loop.run_once();
  ASSERT_EQ(acceptor.accepted.size(), 1U);
  const int fd = acceptor.accepted[0].get();
  int no_delay = 0;
  socklen_t length = sizeof no_delay;
  ASSERT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, &length), 0);
  EXPECT_NE(no_delay, 0) << "inherited from the listening socket";
  int unsent = 0;
  ASSERT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, &length), 0);
  EXPECT_EQ(unsent, 128 * 1024) << "bytes that wait in it for the client's window";
  char byte = 0;
  EXPECT_EQ(::recv(fd, &byte, 1, 0), -1);
  EXPECT_EQ(errno, EAGAIN);
}

TEST(Listener, OutOfDescriptorsItPausesAndGoesOn) {
  ListenSocket socket = ListenSocket::bind("127.0.0.1", 0);
  socket.listen();
  EventLoop loop;
  Acceptor acceptor;
  const Listener listener(loop, socket, acceptor);
  const UniqueFd client = connect_to("127.0.0.1", socket.address().port());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 3;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  loop.run_once();
  loop.run_once();
  loop.run_once();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(acceptor.failures, std::vector{EMFILE}) << "told once, and not spinning";
  const auto start = std::chrono::steady_clock::now();
  struct Watchdog final : Timer {
    explicit Watchdog(EventLoop& l) : loop(l) {}
    void on_timer() override { loop.stop(); }
    EventLoop& loop;
  } watchdog(loop);
  loop.arm(watchdog, std::chrono::milliseconds(1200));
  loop.run();
  EXPECT_EQ(acceptor.accepted.size(), 1U);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
}

TEST(Listener, APauseEndsEarlyWhenADescriptorIsFree) {
  ListenSocket socket = ListenSocket::bind("127.0.0.1", 0);
  socket.listen();
  EventLoop loop;
  Acceptor acceptor;
  Listener listener(loop, socket, acceptor);
  const UniqueFd client = connect_to("127.0.0.1", socket.address().port());
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit none = before;
  none.rlim_cur = 3;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  loop.run_once();
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(acceptor.failures.size(), 1U);
  listener.resume();
  loop.run_once();
  EXPECT_EQ(acceptor.accepted.size(), 1U);
}

}  // namespace
}  // namespace httpd::net
