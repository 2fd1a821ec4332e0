// SPDX-License-Identifier: GPL-2.0-or-later
#include <cstring>

#include "pool_fixture.h"
#include "process/worker_pool.h"
#include "random.h"

namespace httpd::process {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Kind = Header::Kind;

/// Handler processes that die, or say what makes no sense.
class WorkerPoolRepliesTest : public PoolTest {
 protected:
  /// A client with a request that `worker` has read.
  std::unique_ptr<Client> ask(FakeWorker& worker, const std::string& path) {
    auto client = std::make_unique<Client>(*this);
    client->send(get(path));
    settle(0);
    EXPECT_TRUE(worker.gets_request(path));
    return client;
  }
  /// Sends a header with a descriptor behind it, whatever the header says.
  static void send_with_file(FakeWorker& worker, Header header, int file) {
    iovec piece{&header, sizeof header};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    msghdr data{};
    data.msg_iov = &piece;
    data.msg_iovlen = 1;
    data.msg_control = control.data();
    data.msg_controllen = control.size();
    cmsghdr* const rights = CMSG_FIRSTHDR(&data);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof file);
    std::memcpy(CMSG_DATA(rights), &file, sizeof file);
    ASSERT_GE(::sendmsg(worker.socket.get(), &data, MSG_NOSIGNAL), 0);
  }
  /// Of a reply whose body is in a file.
  static Header in_file(std::uint64_t id, std::uint64_t offset, std::uint64_t size) {
    Header header;
    header.kind = Kind::kReply;
    header.body = Header::Body::kInFile;
    header.id = id;
    header.status = 200;
    header.body_size = size;
    header.offset = offset;
    return header;
  }
};

TEST_F(WorkerPoolRepliesTest, AProcessThatDiesIdleIsForgotten) {
  start_pool();
  add_fake().die();
  settle(0);
  Client client(*this);
  client.send(get("/a"));
  settle(0);
  EXPECT_EQ(shown(), "a queued");
  EXPECT_TRUE(add_fake().gets_request("/a"));
}

TEST_F(WorkerPoolRepliesTest, OneThatDiedOnItsWayIsForgotten) {
  fakes.push_back(std::make_unique<FakeWorker>(meeting_point, 0));
  fakes.back()->die();
  start_pool();
  Client client(*this);
  client.send(get("/a"));
  settle(0);
  EXPECT_EQ(shown(), "a queued");
  EXPECT_TRUE(add_fake().gets_request("/a"));
}

TEST_F(WorkerPoolRepliesTest, ARequestDiesWithItsHandler) {
  start_pool();
  FakeWorker& worker = add_fake();
  const auto client = ask(worker, "/a/x");
  worker.die();
  EXPECT_THAT(client->receive(), StartsWith("HTTP/1.1 502 "));
  EXPECT_TRUE(log.contains("\"GET /a/x HTTP/1.1\" to root a; handler process 1 ("));
  EXPECT_EQ(statistics.value(Counter::kHandlerDeaths), 1U);
  EXPECT_EQ(statistics.value(Counter::kBusyWorkers), 0U);
  EXPECT_EQ(shown(), "");
  FakeWorker& next = add_fake();
  client->send(get("/a/y"));
  settle(0);
  EXPECT_TRUE(next.gets_request("/a/y")) << "the root's place is free again";
}

TEST_F(WorkerPoolRepliesTest, KeptRequestsDieWithTheirProcess) {
  start_pool();
  FakeWorker& worker = add_fake();
  const auto first = ask(worker, "/a/1");
  worker.say(Kind::kKept);
  settle(0);
  const auto second = ask(worker, "/a/2");
  worker.say(Kind::kKept);
  settle(0);
  worker.die();
  EXPECT_THAT(first->receive(), StartsWith("HTTP/1.1 502 "));
  EXPECT_THAT(second->receive(), StartsWith("HTTP/1.1 502 "));
  EXPECT_EQ(statistics.value(Counter::kHandlerDeaths), 2U);
}

TEST_F(WorkerPoolRepliesTest, StreamsAreCutWhenTheirProcessDies) {
  start_pool();
  FakeWorker& worker = add_fake();
  const auto client = ask(worker, "/a");
  worker.begin_stream("first");
  settle(0);
  worker.die();
  EXPECT_THAT(client->receive(), ::testing::EndsWith("5\r\nfirst\r\n"));
  EXPECT_TRUE(client->ended || client->reset);
  EXPECT_EQ(shown(), "");
}

TEST_F(WorkerPoolRepliesTest, AnOverdueHandlerMayDieUnnoticed) {
  settings.handler_timeout = std::chrono::seconds(1);
  start_pool();
  FakeWorker& worker = add_fake();
  const auto client = ask(worker, "/a");
  wait_for_limit();
  EXPECT_THAT(client->receive(0), StartsWith("HTTP/1.1 504 "));
  worker.die();
  EXPECT_EQ(client->receive(), "");
  EXPECT_EQ(shown(), "");
  EXPECT_EQ(statistics.value(Counter::kHandlerDeaths), 0U);
  client->send(get("/a/again"));
  settle(0);
  EXPECT_TRUE(add_fake().gets_request("/a/again"));
}

TEST_F(WorkerPoolRepliesTest, ARequestThatWasNotReadGoesToAnother) {
  start_pool();
  FakeWorker& worker = add_fake();
  Client first(*this);
  Client second(*this);
  first.send(get("/a/1"));
  settle(0);
  second.send(get("/a/2"));
  settle(0);
  worker.die();
  settle(0);
  EXPECT_EQ(shown(), "a queued, a queued");
  EXPECT_EQ(board.entries()[0].process, 0);
  EXPECT_EQ(statistics.value(Counter::kQueuedRequests), 2U);
  FakeWorker& next = add_fake();
  ASSERT_TRUE(next.gets_request("/a/1")) << "and before those that came later";
  next.say(Kind::kReply, "one");
  settle(0);
  ASSERT_TRUE(next.gets_request("/a/2"));
  EXPECT_THAT(first.receive(), HasSubstr("\r\n\r\none"));
  EXPECT_EQ(statistics.value(Counter::kHandlerDeaths), 0U);
}

TEST_F(WorkerPoolRepliesTest, ARequestThatWasNotReadGoesToOneThatIsFree) {
  start_pool(2);
  FakeWorker& one = add_fake();
  FakeWorker& two = add_fake();
  Client client(*this);
  client.send(get("/a"));
  settle(0);
  one.die();
  settle(0);
  EXPECT_TRUE(two.gets_request("/a"));
}

TEST_F(WorkerPoolRepliesTest, ALargeRequestThatWasNotReadGoesToAnotherToo) {
  settings.limits.receive_buf_size = 1 << 20;
  start_pool();
  FakeWorker& worker = add_fake();
  Client client(*this);
  client.send(post("/a", std::string(200'000, 'b')));
  settle();
  worker.die();
  settle(0);
  EXPECT_EQ(shown(), "a queued");
  FakeWorker& next = add_fake();
  ASSERT_TRUE(next.gets_request("/a"));
  EXPECT_TRUE(next.incoming.payload_file || next.incoming.file);
}

TEST_F(WorkerPoolRepliesTest, AClientThatLeavesWhatWasNotReadTakesItAlong) {
  start_pool();
  FakeWorker& worker = add_fake();
  Client client(*this);
  client.send(get("/a"));
  settle(0);
  server::send_and_reset(client, "x");
  settle(0);
  worker.die();
  settle(0);
  EXPECT_EQ(shown(), "");
  EXPECT_TRUE(add_fake().gets_nothing());
}

TEST_F(WorkerPoolRepliesTest, WhatMakesNoSenseCutsTheProcessOff) {
  start_pool();
  for (const Kind kind :
       {Kind::kWelcome, Kind::kRequest, Kind::kCancel, Kind::kPull, static_cast<Kind>(99)}) {
    log.lines.clear();
    FakeWorker& worker = add_fake();
    const auto client = ask(worker, "/a");
    worker.say(kind);
    EXPECT_THAT(client->receive(), StartsWith("HTTP/1.1 502 "));
    EXPECT_TRUE(log.contains("makes no sense: connection to it cut")) << static_cast<unsigned>(kind);
    EXPECT_FALSE(worker.gets_nothing()) << "the socket is closed";
  }
}

TEST_F(WorkerPoolRepliesTest, AnAnswerToWhatNobodyAskedCutsTheProcessOff) {
  start_pool(2);
  for (const Kind kind : {Kind::kReply, Kind::kKept}) {
    FakeWorker& worker = add_fake();
    FakeWorker& other = add_fake();
    const auto client = ask(worker, "/a");
    other.id = worker.id;
    other.say(kind, "of a request that another one has");
    settle(0);
    EXPECT_EQ(shown(), "a running");
    worker.id ^= std::uint64_t{1} << 40U;
    worker.say(kind, "of a request that was never there");
    EXPECT_THAT(client->receive(), StartsWith("HTTP/1.1 502 "));
  }
}

TEST_F(WorkerPoolRepliesTest, ASecondAnswerCutsTheProcessOff) {
  start_pool();
  FakeWorker& worker = add_fake();
  const auto client = ask(worker, "/a");
  worker.say(Kind::kReply, "once");
  worker.say(Kind::kReply, "twice");
  const std::string reply = client->receive();
  EXPECT_THAT(reply, ::testing::EndsWith("once"));
  EXPECT_TRUE(log.contains("makes no sense"));
}

TEST_F(WorkerPoolRepliesTest, LateWordsAboutWhatIsNotKeptAreIgnored) {
  start_pool();
  FakeWorker& worker = add_fake();
  const auto client = ask(worker, "/a");
  worker.say(Kind::kLate, "not kept");
  worker.give_piece("no stream");
  EXPECT_EQ(client->receive(), "");
  worker.say(Kind::kReply, "right");
  EXPECT_THAT(client->receive(), HasSubstr("\r\n\r\nright"));
}

TEST_F(WorkerPoolRepliesTest, AReplyThatCannotBeReadIsA503) {
  start_pool();
  FakeWorker& worker = add_fake();
  for (const std::int64_t status : {std::int64_t{0}, std::int64_t{199}, std::int64_t{600}, INT64_MIN}) {
    const auto client = ask(worker, "/a");
    Outgoing reply;
    reply.header.kind = Kind::kReply;
    reply.header.id = worker.id;
    reply.header.status = status;
    worker.say(reply);
    EXPECT_THAT(client->receive(), StartsWith("HTTP/1.1 503 ")) << status;
  }
  const auto client = ask(worker, "/a");
  Outgoing without_file;
  without_file.header = in_file(worker.id, 0, 10);
  worker.say(without_file);
  EXPECT_THAT(client->receive(), StartsWith("HTTP/1.1 502 ")) << "it is not to be trusted any more";
}

TEST_F(WorkerPoolRepliesTest, WhatWouldSplitAReplyIsNotSent) {
  start_pool();
  FakeWorker& worker = add_fake();
  for (const std::string_view fields : std::initializer_list<std::string_view>{
           "X-A: 1", "X-A: 1\n", "\r\n", "X-A: 1\r\n\r\nbody", {"X-A: \0\r\n", 8}}) {
    const auto client = ask(worker, "/a");
    Outgoing reply;
    reply.header.kind = Kind::kReply;
    reply.header.id = worker.id;
    reply.header.status = 200;
    reply.header.sizes = {0, static_cast<std::uint32_t>(fields.size())};
    reply.parts[1] = fields;
    worker.say(reply);
    EXPECT_THAT(client->receive(), StartsWith("HTTP/1.1 503 ")) << fields;
  }
}

TEST_F(WorkerPoolRepliesTest, AFileThatIsNotWhatItSaysIsFoundOut) {
  start_pool();
  FakeWorker& worker = add_fake();
  const auto [no_file, other_end] = socket_pair();
  const net::UniqueFd file = open_file("short");
  for (const int descriptor : {no_file.get(), file.get()})
    for (const auto& [offset, size] :
         std::vector<std::pair<std::uint64_t, std::uint64_t>>{{0, 6},
                                                              {100, 1},
                                                              {0, 1 << 20},
                                                              {UINT64_MAX, 100},
                                                              {0, UINT64_MAX},
                                                              {UINT64_MAX - 5, UINT64_MAX}}) {
      const auto client = ask(worker, "/a");
      Outgoing reply;
      reply.header = in_file(worker.id, offset, size);
      reply.file = descriptor;
      worker.say(reply);
      const std::string got = client->receive();
      if (!got.starts_with("HTTP/1.1 500 ")) {
        EXPECT_TRUE(client->ended || client->reset) << offset << ' ' << size;
      }
    }
}

TEST_F(WorkerPoolRepliesTest, RandomMessagesCutProcessesOffAndEveryRequestIsAnswered) {
  Random random(3);
  settings.max_root_workers = 4;
  start_pool(4);
  const net::UniqueFd file = open_file("some bytes in a file");
  for (int round = 0; round < 300; ++round) {
    FakeWorker& worker = add_fake();
    std::vector<std::unique_ptr<Client>> clients;
    for (unsigned number = random() % 3 + 1; number > 0; --number) {
      clients.push_back(ask(worker, "/a"));
      if (number > 1) worker.say(Kind::kKept);
      settle(0);
    }
    for (unsigned messages = random() % 3 + 1; messages > 0; --messages) {
      Outgoing message;
      Header& header = message.header;
      header.kind = static_cast<Kind>(random() % 9);
      header.body = static_cast<Header::Body>(random() % 4);
      header.id = random() % 4 == 0 ? random() : worker.id;
      header.status = random() % 2 == 0 ? 200 : static_cast<std::int64_t>(random() % 8) - 4;
      header.sizes = {random() % 4, random() % 4};
      header.body_size = random() % 4;
      header.offset = random() % 4 == 0 ? random() : random() % 4;
      header.last = random() % 2;
      const std::string payload(header.sizes[0] + header.sizes[1] + random() % 8, 'p');
      message.parts[0] = payload;
      if (random() % 2 == 0) message.file = file.get();
      static_cast<void>(send_message(worker.socket.get(), message, false));
      settle(0);
    }
    worker.die();
    for (const auto& client : clients) {
      const std::string reply = client->receive(0);
      EXPECT_TRUE(reply.starts_with("HTTP/1.1 ") || client->ended || client->reset) << round;
    }
    EXPECT_EQ(shown(), "") << round;
    fakes.clear();
  }
  EXPECT_EQ(statistics.value(Counter::kBusyWorkers), 0U);
}

TEST_F(WorkerPoolRepliesTest, ABusySocketLeavesTheRequestToAnother) {
  start_pool(2);
  FakeWorker& busy = add_fake();
  FakeWorker& free = add_fake();
  Client client(*this);
  // The first process does not read what it is told: pull after pull fills its socket.
  client.send(get("/a/1"));
  settle(0);
  ASSERT_TRUE(busy.gets_request("/a/1"));
  busy.begin_stream("x");
  settle(0);
  for (int number = 0; number < 2000; ++number) {
    busy.give_piece("x");
    settle(0);
  }
  busy.end_stream(BodySource::kEnd);
  settle(0);
  Client other(*this);
  other.send(get("/b/2"));
  settle(0);
  EXPECT_TRUE(free.gets_request("/b/2"));
  while (busy.gets(Kind::kPull))
    settle(0);
  other.send(get("/b/3"));
  free.say(Kind::kReply, "x");
  settle(0);
  EXPECT_TRUE(free.gets_request("/b/3") || busy.gets_request("/b/3"));
}

TEST_F(WorkerPoolRepliesTest, AStreamWhosePayloadIsInAFileLeadsNowhere) {
  start_pool();
  const net::UniqueFd file = open_file("0123456789");
  for (const std::uint32_t last : {0U, 1U})
    for (const std::uint32_t size : {1U, 5U, UINT32_MAX}) {
      FakeWorker& worker = add_fake();
      const auto client = ask(worker, "/a");
      Header header;
      header.kind = Kind::kReply;
      header.body = Header::Body::kStream;
      header.id = worker.id;
      header.status = 200;
      header.sizes = {size, size};
      header.body_size = 2;
      header.payload_in_file = 1;
      header.last = last;
      send_with_file(worker, header, file.get());
      worker.die();
      const std::string reply = client->receive();
      EXPECT_TRUE(reply.starts_with("HTTP/1.1 ") || client->ended || client->reset);
    }
}

using WorkerPoolRepliesDeathTest = WorkerPoolRepliesTest;

TEST_F(WorkerPoolRepliesDeathTest, WithoutDescriptorsALargeRequestIsRefusedAndASmallOneServed) {
  EXPECT_EXIT(
      {
        settings.limits.receive_buf_size = 1 << 20;
        start_pool();
        FakeWorker& worker = add_fake();
        Client client(*this);
        leave_descriptors(0);
        client.send(post("/a", std::string(60'000, 'b')));
        bool right = client.receive().starts_with("HTTP/1.1 503 ") && worker.gets_nothing();
        client.send(get("/a/small"));
        settle(0);
        right = right && worker.gets_request("/a/small") && log.contains("no resources left");
        std::_Exit(right ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST_F(WorkerPoolRepliesDeathTest, WithoutDescriptorsAReplyInAFileBecomesA503) {
  EXPECT_EXIT(
      {
        start_pool();
        FakeWorker& worker = add_fake();
        const auto client = ask(worker, "/a");
        const net::UniqueFd file = open_file("0123456789");
        Outgoing reply;
        reply.header = in_file(worker.id, 0, 10);
        reply.file = file.get();
        worker.say(reply);
        leave_descriptors(0);
        const bool right = client->receive().starts_with("HTTP/1.1 503 ") && log.contains("ulimit -n") &&
                           !log.contains("makes no sense");
        std::_Exit(right ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace httpd::process
