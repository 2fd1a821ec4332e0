// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/meeting_point.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <vector>

#include "descriptors.h"
#include "process/message.h"

namespace httpd::process {
namespace {

class MeetingPointTest : public ::testing::Test {
 protected:
  void settle() {
    pollfd waiting{loop.descriptor(), POLLIN, 0};
    while (::poll(&waiting, 1, 0) == 1)
      loop.run_once();
  }
  void attend() {
    place.attend(loop, [this](Arrival arrival) { arrivals.push_back(std::move(arrival)); });
  }
  net::EventLoop loop;
  MeetingPoint place;
  std::vector<Arrival> arrivals;
};

TEST_F(MeetingPointTest, ThoseWhoCameBeforeAreMetInOrder) {
  std::vector<net::UniqueFd> sockets;
  for (std::uint32_t index = 0; index < 20; ++index)
    sockets.push_back(place.arrive(index));
  attend();
  settle();
  ASSERT_EQ(arrivals.size(), 20U);
  for (std::uint32_t index = 0; index < 20; ++index) {
    EXPECT_EQ(arrivals[index].index, index);
    EXPECT_EQ(arrivals[index].process, ::getpid());
    EXPECT_NE(::fcntl(arrivals[index].socket.get(), F_GETFD) & FD_CLOEXEC, 0);
    ASSERT_EQ(::send(sockets[index].get(), &index, sizeof index, MSG_NOSIGNAL), 4);
    std::uint32_t said = 99;
    EXPECT_EQ(::recv(arrivals[index].socket.get(), &said, sizeof said, MSG_DONTWAIT), 4);
    EXPECT_EQ(said, index) << "each has a way of its own";
  }
}

TEST_F(MeetingPointTest, ThoseWhoComeLaterAreMetToo) {
  attend();
  settle();
  EXPECT_TRUE(arrivals.empty());
  const net::UniqueFd socket = place.arrive(3);
  settle();
  ASSERT_EQ(arrivals.size(), 1U);
  EXPECT_EQ(arrivals[0].index, 3U);
}

TEST_F(MeetingPointTest, OneWhoDiedMeanwhileIsMetAndFoundDead) {
  place.arrive(0).reset();
  attend();
  settle();
  ASSERT_EQ(arrivals.size(), 1U);
  std::vector<char> buffer(kMessageSize);
  Incoming incoming;
  EXPECT_EQ(receive_message(arrivals[0].socket.get(), buffer, incoming), ReceiveResult::kGone);
}

TEST_F(MeetingPointTest, ArrivesFromAnotherProcess) {
  attend();
  const pid_t child = ::fork();
  if (child == 0) {
    const net::UniqueFd socket = place.arrive(5);
    char byte = 0;
    ::_exit(::recv(socket.get(), &byte, 1, 0) == 1 ? byte : 99);
  }
  pollfd waiting{loop.descriptor(), POLLIN, 0};
  while (arrivals.empty() && ::poll(&waiting, 1, 5000) == 1)
    loop.run_once();
  ASSERT_EQ(arrivals.size(), 1U);
  EXPECT_EQ(arrivals[0].process, child);
  const char byte = 42;
  EXPECT_EQ(::send(arrivals[0].socket.get(), &byte, 1, MSG_NOSIGNAL), 1);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 42);
}

TEST_F(MeetingPointTest, NobodyIsMetAfterLeavingUntilSomebodyAttendsAgain) {
  attend();
  place.leave();
  place.leave();
  const net::UniqueFd socket = place.arrive(1);
  settle();
  EXPECT_TRUE(arrivals.empty());
  attend();
  settle();
  EXPECT_EQ(arrivals.size(), 1U);
}

TEST_F(MeetingPointTest, ClosingGivesBothEndsBack) {
  const std::size_t before = open_descriptors();
  {
    MeetingPoint other;
    other.attend(loop, [](Arrival) {});
    EXPECT_EQ(open_descriptors(), before + 4) << "both ends, and a reserve";
    other.close();
    EXPECT_EQ(open_descriptors(), before);
    EXPECT_THROW(static_cast<void>(other.arrive(0)), std::system_error);
    EXPECT_EQ(open_descriptors(), before);
  }
  EXPECT_EQ(open_descriptors(), before);
}

using MeetingPointDeathTest = MeetingPointTest;

TEST_F(MeetingPointDeathTest, ThereIsADescriptorForOneThatComesWhenAllOthersAreTaken) {
  EXPECT_EXIT(
      {
        const net::UniqueFd socket = place.arrive(0);
        attend();
        leave_descriptors(0);
        settle();
        std::_Exit(arrivals.size() == 1 ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST_F(MeetingPointDeathTest, ArrivingWithoutDescriptorsThrows) {
  EXPECT_EXIT(
      {
        leave_descriptors(1);
        bool thrown = false;
        try {
          static_cast<void>(place.arrive(0));
        } catch (const std::system_error&) {
          thrown = true;
        }
        std::_Exit(thrown ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace httpd::process
