// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/descriptor_passing.h"

#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

namespace httpd::net {
namespace {

class DescriptorPassing : public ::testing::Test {
 protected:
  DescriptorPassing() {
    std::array<int, 2> pair{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()), 0);
    here = UniqueFd(pair[0]);
    there = UniqueFd(pair[1]);
  }
  ssize_t send(std::string text, std::span<const int> descriptors) const {
    const iovec piece{text.data(), text.size()};
    return send_with_descriptors(here.get(), std::span(&piece, 1), descriptors, MSG_DONTWAIT);
  }
  ReceivedMessage receive(std::size_t size = 100) {
    bytes.assign(size, '?');
    return receive_with_descriptors(there.get(), bytes);
  }
  UniqueFd here;
  UniqueFd there;
  std::string bytes;
};

TEST_F(DescriptorPassing, CarriesBytesAndDescriptorsInOrder) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const UniqueFd reading(pipe[0]);
  const UniqueFd writing(pipe[1]);
  ASSERT_EQ(send("text", pipe), 4);
  ReceivedMessage received = receive();
  EXPECT_EQ(received.bytes, 4);
  EXPECT_EQ(bytes.substr(0, 4), "text");
  ASSERT_TRUE(received.descriptors[0] && received.descriptors[1]);
  EXPECT_EQ(::fcntl(received.descriptors[0].get(), F_GETFD), FD_CLOEXEC);
  ASSERT_EQ(::write(received.descriptors[1].get(), "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(::read(reading.get(), &byte, 1), 1) << "it is the pipe";
}

TEST_F(DescriptorPassing, NeedsNoDescriptors) {
  ASSERT_EQ(send("text", {}), 4);
  const ReceivedMessage received = receive();
  EXPECT_EQ(received.bytes, 4);
  EXPECT_FALSE(received.descriptors[0] || received.descriptors[1]);
}

TEST_F(DescriptorPassing, TellsWhatIsNotThereFromTheEnd) {
  EXPECT_EQ(receive().bytes, -1);
  EXPECT_EQ(errno, EAGAIN);
  here.reset();
  EXPECT_EQ(receive().bytes, 0);
}

TEST_F(DescriptorPassing, TellsThatAMessageWasLonger) {
  ASSERT_EQ(send("text", {}), 4);
  EXPECT_NE(receive(3).flags & MSG_TRUNC, 0);
}

TEST_F(DescriptorPassing, FailsForADescriptorThatIsNone) {
  const int none = 12345;
  EXPECT_EQ(send("text", std::span(&none, 1)), -1);
  EXPECT_EQ(errno, EBADF);
}

}  // namespace
}  // namespace httpd::net
