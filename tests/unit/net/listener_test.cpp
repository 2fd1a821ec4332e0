// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/listener.h"

#include <gtest/gtest.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <system_error>
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
