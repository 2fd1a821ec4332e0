// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/remote_worker.h"

#include <gtest/gtest.h>
#include <memory>
#include <poll.h>
#include <string>
#include <vector>

#include "descriptors.h"

namespace httpd::process {
namespace {

class RemoteWorkerTest : public ::testing::Test, protected RemoteWorker::Owner {
 protected:
  void SetUp() override {
    RemoteWorker::Owner& owner = *this;
    worker = std::make_unique<RemoteWorker>(loop, owner, Arrival{4, ::getpid(), std::move(pair[0])});
  }
  void on_message(RemoteWorker& /*worker*/, Incoming& message) override { ids.push_back(message.header.id); }
  void on_gone(RemoteWorker& /*worker*/, bool untouched) override {
    events += untouched ? "untouched " : "gone ";
    worker.reset();
  }
  void on_room(RemoteWorker& /*worker*/) override { events += "room "; }
  std::span<char> buffer() noexcept override { return memory; }

  void settle() {
    pollfd waiting{loop.descriptor(), POLLIN, 0};
    for (int turns = 0; turns < 1000 && ::poll(&waiting, 1, 0) == 1; ++turns)
      loop.run_once();
    EXPECT_EQ(::poll(&waiting, 1, 0), 0) << "the loop does not come to rest";
  }
  static Outgoing request(std::string_view body) {
    Outgoing message;
    message.header.kind = Header::Kind::kRequest;
    message.header.body_size = body.size();
    message.parts[2] = body;
    return message;
  }
  /// What the handler process reads next.
  ReceiveResult read_there() { return receive_message(pair[1].get(), there, incoming); }
  void fill() {
    const std::string body(kInlineLimit, 'x');
    while (worker->send(request(body)) == SendResult::kSent)
      ++sent;
  }
  void send_back(std::uint64_t id) {
    Outgoing message;
    message.header.id = id;
    ASSERT_EQ(send_message(pair[1].get(), message, false), SendResult::kSent);
  }

  net::EventLoop loop;
  std::array<net::UniqueFd, 2> pair = socket_pair();
  std::vector<char> memory = std::vector<char>(kMessageSize);
  std::vector<char> there = std::vector<char>(kMessageSize);
  Incoming incoming;
  std::unique_ptr<RemoteWorker> worker;
  std::vector<std::uint64_t> ids;
  std::string events;
  int sent = 0;
};

TEST_F(RemoteWorkerTest, KnowsWhoItIs) {
  EXPECT_EQ(worker->number(), 5U);
  EXPECT_EQ(worker->process(), ::getpid());
  EXPECT_TRUE(worker->idle());
}

TEST_F(RemoteWorkerTest, TakesMessagesInOrder) {
  for (std::uint64_t id = 1; id <= 5; ++id)
    send_back(id);
  settle();
  EXPECT_EQ(ids, (std::vector<std::uint64_t>{1, 2, 3, 4, 5}));
  EXPECT_EQ(events, "");
}

TEST_F(RemoteWorkerTest, WhatDoesNotFitIsNotIdleUntilItDoes) {
  fill();
  EXPECT_FALSE(worker->idle());
  EXPECT_EQ(worker->send(request("x")), SendResult::kBlocked);
  settle();
  EXPECT_EQ(events, "");
  for (int number = 0; number < sent; ++number)
    EXPECT_EQ(read_there(), ReceiveResult::kMessage);
  settle();
  EXPECT_EQ(events, "room ");
  EXPECT_TRUE(worker->idle());
  EXPECT_EQ(worker->send(request("x")), SendResult::kSent);
}

TEST_F(RemoteWorkerTest, ControlMessagesWaitForRoomInOrder) {
  fill();
  for (std::uint64_t id = 1; id <= 3; ++id)
    worker->send_control(Header::Kind::kCancel, id);
  for (int number = 0; number < sent; ++number)
    EXPECT_EQ(read_there(), ReceiveResult::kMessage);
  settle();
  for (std::uint64_t id = 1; id <= 3; ++id) {
    ASSERT_EQ(read_there(), ReceiveResult::kMessage);
    EXPECT_EQ(incoming.header.kind, Header::Kind::kCancel);
    EXPECT_EQ(incoming.header.id, id);
  }
  EXPECT_EQ(read_there(), ReceiveResult::kNothing);
  EXPECT_EQ(events, "room ");
}

TEST_F(RemoteWorkerTest, NoRequestOvertakesAControlMessage) {
  const std::string body(kInlineLimit, 'x');
  // Not through the worker, so that a control message is the first that finds no room.
  while (worker->send(request(body)) == SendResult::kSent) {
  }
  worker->send_control(Header::Kind::kPull, 9);
  EXPECT_EQ(worker->send(request("x")), SendResult::kBlocked);
}

TEST_F(RemoteWorkerTest, TheEndOfAnIdleProcessIsNoticed) {
  pair[1].reset();
  settle();
  EXPECT_EQ(events, "gone ");
}

TEST_F(RemoteWorkerTest, ARequestThatWasNotReadIsUntouched) {
  ASSERT_EQ(worker->send(request("x")), SendResult::kSent);
  pair[1].reset();
  settle();
  EXPECT_EQ(events, "untouched ");
}

TEST_F(RemoteWorkerTest, ARequestThatWasReadIsNotUntouched) {
  ASSERT_EQ(worker->send(request("x")), SendResult::kSent);
  ASSERT_EQ(read_there(), ReceiveResult::kMessage);
  pair[1].reset();
  settle();
  EXPECT_EQ(events, "gone ");
}

TEST_F(RemoteWorkerTest, ARequestWithAControlMessageBehindItIsNotTakenForUntouched) {
  ASSERT_EQ(worker->send(request("x")), SendResult::kSent);
  ASSERT_EQ(read_there(), ReceiveResult::kMessage);
  worker->send_control(Header::Kind::kCancel, 1);
  pair[1].reset();
  settle();
  EXPECT_EQ(events, "gone ");
}

TEST_F(RemoteWorkerTest, ARequestBehindAnUnreadControlMessageIsUntouched) {
  worker->send_control(Header::Kind::kWelcome, 0);
  ASSERT_EQ(worker->send(request("x")), SendResult::kSent);
  pair[1].reset();
  settle();
  EXPECT_EQ(events, "untouched ");
}

TEST_F(RemoteWorkerTest, SendingToADeadProcessEndsInOnGone) {
  pair[1].reset();
  EXPECT_EQ(worker->send(request("x")), SendResult::kGone);
  EXPECT_FALSE(worker->idle());
  settle();
  EXPECT_EQ(events, "gone ");
}

TEST_F(RemoteWorkerTest, ControlMessagesToADeadProcessEndInOnGone) {
  pair[1].reset();
  worker->send_control(Header::Kind::kCancel, 1);
  worker->send_control(Header::Kind::kCancel, 2);
  settle();
  EXPECT_EQ(events, "gone ");
}

TEST_F(RemoteWorkerTest, AProcessThatDiesWithAFullSocketEndsInOnGone) {
  fill();
  worker->send_control(Header::Kind::kCancel, 1);
  pair[1].reset();
  settle();
  EXPECT_EQ(events, "gone ");
}

TEST_F(RemoteWorkerTest, WhatIsNoMessageIsTheEnd) {
  ASSERT_EQ(::send(pair[1].get(), "nonsense", 8, MSG_NOSIGNAL), 8);
  settle();
  EXPECT_EQ(events, "gone ");
}

TEST_F(RemoteWorkerTest, LastWordsAreHeard) {
  send_back(6);
  pair[1].reset();
  settle();
  EXPECT_EQ(ids, std::vector<std::uint64_t>{6});
  EXPECT_EQ(events, "gone ");
}

}  // namespace
}  // namespace httpd::process
