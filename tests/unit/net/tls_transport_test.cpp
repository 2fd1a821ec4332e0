// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/tls_transport.h"

#include <cerrno>
#include <gtest/gtest.h>
#include <malloc.h>
#include <string>
#include <sys/socket.h>
#include <vector>

// Of the address sanitizer, where the tests are built with it.
// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming)
extern "C" {
__attribute__((weak)) int __sanitizer_install_malloc_and_free_hooks(void (*malloc_hook)(const volatile void*,
                                                                                        std::size_t),
                                                                    void (*free_hook)(const volatile void*));
__attribute__((weak)) std::size_t __sanitizer_get_allocated_size(const volatile void*);
}
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp,readability-identifier-naming)

namespace httpd::net {
namespace {

using State = IoResult::State;

/// Bytes on the heap, counted from some point.
std::size_t allocated_bytes() {
  if (&::__sanitizer_install_malloc_and_free_hooks == nullptr) return ::mallinfo2().uordblks;
  static std::size_t total = 1U << 30U;  // what was there before is freed later
  static const int kHooks = ::__sanitizer_install_malloc_and_free_hooks(
      [](const volatile void* /*memory*/, std::size_t size) { total += size; },
      [](const volatile void* memory) { total -= ::__sanitizer_get_allocated_size(memory); });
  EXPECT_NE(kHooks, 0);
  return total;
}

class TlsTransportTest : public ::testing::Test {
 protected:
  void SetUp() override {
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    const int small = 4096;
    ASSERT_EQ(::setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small), 0);
    transport = std::make_unique<TlsTransport>(UniqueFd(pair[0]), buffers);
    peer = UniqueFd(pair[1]);
  }
  void send(std::string_view bytes) {
    ASSERT_EQ(::send(peer.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  /// Takes what was sent.
  std::string receive() {
    std::string text;
    std::vector<char> buffer(65536);
    for (ssize_t count = 1; count > 0;) {
      count = ::recv(peer.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return text;
  }
  /// Pulls at most `size` bytes, in a call that is going on.
  std::string pull(std::size_t size) {
    std::string bytes(size, '?');
    error = 0;
    code = transport->pull(bytes.data(), size, error);
    bytes.resize(code > 0 ? static_cast<std::size_t>(code) : 0);
    return bytes;
  }

  TlsBuffers buffers;
  std::unique_ptr<TlsTransport> transport;
  UniqueFd peer;
  ssize_t code = 0;
  int error = 0;
};

TEST_F(TlsTransportTest, PullsInPiecesOfAnySize) {
  send("abcdefgh");
  const TlsTransport::Call call(*transport);
  EXPECT_EQ(pull(5), "abcde");
  EXPECT_TRUE(transport->has_input());
  EXPECT_FALSE(transport->drained());
  EXPECT_EQ(pull(1), "f");
  EXPECT_EQ(pull(100), "gh");
  EXPECT_FALSE(transport->has_input());
  EXPECT_TRUE(transport->drained());
  EXPECT_EQ(pull(1), "");
  EXPECT_EQ(code, -1);
  EXPECT_EQ(error, EAGAIN);
}

TEST_F(TlsTransportTest, WhatIsLeftOverWaitsForTheNextCall) {
  send("abcdefgh");
  {
    const TlsTransport::Call call(*transport);
    EXPECT_EQ(pull(3), "abc");
  }
  buffers.input[3] = '!';  // as another stream's bytes would be
  send("ij");
  {
    const TlsTransport::Call call(*transport);
    EXPECT_TRUE(transport->has_input());
    EXPECT_EQ(pull(2), "de");
  }
  {
    const TlsTransport::Call call(*transport);
    EXPECT_EQ(pull(100), "fgh") << "what was left over, before what came since";
    EXPECT_FALSE(transport->drained()) << "the socket was not asked";
    EXPECT_EQ(pull(100), "ij");
    EXPECT_TRUE(transport->drained());
  }
}

TEST_F(TlsTransportTest, PeekTakesNothing) {
  {
    const TlsTransport::Call call(*transport);
    EXPECT_EQ(transport->peek(), -1);
    EXPECT_FALSE(transport->ended());
  }
  send("\xffz");
  {
    const TlsTransport::Call call(*transport);
    EXPECT_EQ(transport->peek(), 0xff);
  }
  const TlsTransport::Call call(*transport);
  EXPECT_EQ(transport->peek(), 0xff);
  EXPECT_EQ(pull(10), "\xffz");
}

TEST_F(TlsTransportTest, TheEndComesAfterWhatWasSentAndStays) {
  send("abc");
  peer.reset();
  for (const char* const expected : {"a", "b", "c", "", ""}) {
    const TlsTransport::Call call(*transport);
    EXPECT_EQ(pull(1), expected);
  }
  EXPECT_EQ(code, 0);
  EXPECT_TRUE(transport->ended());
  const TlsTransport::Call call(*transport);
  EXPECT_EQ(transport->peek(), -1);
  EXPECT_TRUE(transport->ended());
}

TEST_F(TlsTransportTest, ABrokenConnectionIsAnErrorAndStaysOne) {
  // A Unix socket is reset when its peer closes it with unread input.
  {
    const TlsTransport::Call call(*transport);
    EXPECT_EQ(transport->push("x", 1), 1);
    EXPECT_EQ(transport->flush().state, State::kDone);
  }
  peer.reset();
  for (int i = 0; i < 2; ++i) {
    const TlsTransport::Call call(*transport);
    pull(10);
    EXPECT_EQ(code, -1);
    EXPECT_EQ(error, ECONNRESET);
    EXPECT_TRUE(transport->ended());
  }
}

TEST_F(TlsTransportTest, ReadsRawWhatWasNotPulledFirst) {
  send("abcdef");
  std::vector<char> buffer(4);
  const TlsTransport::Call call(*transport);
  EXPECT_EQ(pull(1), "a");
  IoResult result = transport->read_raw(buffer.data(), 4);
  EXPECT_EQ(result.state, State::kDone);
  EXPECT_EQ(std::string(buffer.data(), result.bytes), "bcde");
  result = transport->read_raw(buffer.data(), 4);
  EXPECT_EQ(std::string(buffer.data(), result.bytes), "f");
  EXPECT_EQ(transport->read_raw(buffer.data(), 4).state, State::kBlocked);
  peer.reset();
  EXPECT_EQ(transport->read_raw(buffer.data(), 4).state, State::kEnd);
}

TEST_F(TlsTransportTest, GathersWhatIsPushed) {
  const TlsTransport::Call call(*transport);
  EXPECT_EQ(transport->push("abc", 3), 3);
  EXPECT_EQ(transport->push("", 0), 0);
  EXPECT_EQ(transport->push("def", 3), 3);
  EXPECT_EQ(receive(), "") << "not yet";
  const IoResult result = transport->flush();
  EXPECT_EQ(result.state, State::kDone);
  EXPECT_EQ(result.bytes, 6U);
  EXPECT_EQ(receive(), "abcdef");
  EXPECT_FALSE(transport->has_unsent());
  EXPECT_EQ(transport->flush().bytes, 0U);
}

TEST_F(TlsTransportTest, WhatDoesNotGoWaitsInOrder) {
  std::string expected;
  std::string got;
  std::size_t counted = 0;
  for (int i = 0; i < 20; ++i) {
    const std::string bytes(10'000 + static_cast<std::size_t>(i), static_cast<char>('a' + i));
    expected += bytes;
    {
      const TlsTransport::Call call(*transport);
      transport->push(bytes.data(), bytes.size());
      counted += transport->flush().bytes;
    }
    if (i % 3 == 0) got += receive();
    EXPECT_GE(counted, got.size());
  }
  EXPECT_TRUE(transport->has_unsent());
  while (transport->has_unsent()) {
    got += receive();
    const TlsTransport::Call call(*transport);
    counted += transport->flush().bytes;
  }
  got += receive();
  EXPECT_EQ(got, expected);
  EXPECT_EQ(counted, expected.size());
}

TEST_F(TlsTransportTest, AFullSocketIsToldFromABrokenOne) {
  const TlsTransport::Call call(*transport);
  const std::string much(1 << 20, 'x');
  transport->push(much.data(), much.size());
  EXPECT_EQ(transport->flush().state, State::kDone);
  ASSERT_TRUE(transport->has_unsent());
  EXPECT_EQ(transport->flush().state, State::kBlocked);
  peer.reset();
  EXPECT_EQ(transport->flush().state, State::kFailed);
}

TEST_F(TlsTransportTest, HoldsNothingWhenIdle) {
  const std::string much(300'000, 'x');
  const std::string long_input(50'000, 'y');
  std::size_t idle = allocated_bytes();
  for (int round = 0; round < 3; ++round) {
    if (round == 1) idle = allocated_bytes();  // the shared buffers have their size now
    {
      const TlsTransport::Call call(*transport);
      transport->push(much.data(), much.size());
      transport->flush();
    }
    send(long_input);
    {
      const TlsTransport::Call call(*transport);
      EXPECT_EQ(pull(1), "y");
    }
    if (round == 1) {
      EXPECT_GT(allocated_bytes(), idle + much.size() / 2 + long_input.size() / 2);
    }
    while (transport->has_unsent()) {
      receive();
      const TlsTransport::Call call(*transport);
      transport->flush();
    }
    receive();
    const TlsTransport::Call call(*transport);
    EXPECT_EQ(pull(long_input.size()).size(), long_input.size() - 1);
  }
  EXPECT_EQ(allocated_bytes(), idle);
}

}  // namespace
}  // namespace httpd::net
