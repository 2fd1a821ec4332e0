// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/worker_pool.h"

#include "pool_fixture.h"

namespace httpd::process {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Kind = Header::Kind;

class WorkerPoolTest : public PoolTest {};

TEST_F(WorkerPoolTest, HandsARequestOnAndItsReplyBack) {
  start_pool();
  FakeWorker& worker = add_fake();
  EXPECT_EQ(statistics.value(Counter::kBusyWorkers), 0U);
  Client client(*this);
  client.send(get("/a/x"));
  settle(0);
  ASSERT_TRUE(worker.gets_request("/a/x"));
  EXPECT_EQ(shown(), "a running");
  EXPECT_EQ(board.entries()[0].process, ::getpid());
  EXPECT_EQ(statistics.value(Counter::kBusyWorkers), 1U);
  worker.say(Kind::kReply, "hello");
  EXPECT_EQ(without_date(client.receive()), server::kHelloReply);
  EXPECT_EQ(shown(), "");
  EXPECT_EQ(statistics.value(Counter::kBusyWorkers), 0U);
  EXPECT_TRUE(log.lines.empty());
}

TEST_F(WorkerPoolTest, HandlersThatNeverBlockRunHere) {
  std::string body;
  server::FunctionHandler& quick = root(
      "quick", {Method::kGet, Method::kPost},
      [&](const Request& request, Reply reply) {
        body = request.body();
        if (request.path() == "/later") {
          kept.emplace(std::move(reply));
        } else {
          reply.send("at once");
        }
      },
      true);
  settings.limits.receive_buf_size = 200'000;
  start_pool();
  EXPECT_NE(quick.process_loop, nullptr) << "it begins in this process";
  Client waiting(*this);
  waiting.send(get("/a/x"));
  settle(0);
  EXPECT_EQ(shown(), "a queued");
  Client client(*this);
  client.send(post("/quick", std::string(100'000, 'x')));
  EXPECT_THAT(client.receive(), HasSubstr("\r\n\r\nat once")) << "whatever others do";
  EXPECT_TRUE(body == std::string(100'000, 'x'));
  client.send(get("/quick/later"));
  settle(0);
  EXPECT_EQ(shown(), "a queued, quick kept");
  kept->send("later");
  EXPECT_THAT(client.receive(), HasSubstr("\r\n\r\nlater"));
  std::uint64_t calls = 0;
  for (const server::Counter& place : requests->of(router.find("/quick")).handler_time.places)
    calls += place.value();
  EXPECT_EQ(calls, 2U) << "the pool does not count them";
}

TEST_F(WorkerPoolTest, AHandlerThatNeverBlocksKeepsNoReplyBeyondItsTime) {
  settings.handler_timeout = std::chrono::seconds(1);
  root(
      "quick", {Method::kGet}, [this](const Request&, Reply reply) { kept.emplace(std::move(reply)); }, true);
  start_pool();
  Client client(*this);
  client.send(get("/quick"));
  wait_for_limit();
  EXPECT_THAT(client.receive(), StartsWith("HTTP/1.1 504 "));
  EXPECT_TRUE(kept->client_gone());
}

TEST_F(WorkerPoolTest, WhoLooksSeesProcessesAndWhatTheyDo) {
  start_pool(2);
  EXPECT_TRUE(monitor.workers().empty());
  FakeWorker& worker = add_fake();
  add_fake();
  Client client(*this);
  client.send(get("/a/x"));
  settle(0);
  ASSERT_TRUE(worker.gets_request("/a/x"));
  const std::vector<Monitor::Worker> there = monitor.workers();
  ASSERT_EQ(there.size(), 2U);
  EXPECT_EQ(there[0].number, 1U);
  EXPECT_EQ(there[1].number, 2U);
  EXPECT_EQ(there[0].process, ::getpid());
  EXPECT_EQ(there[0].request, "GET /a/x HTTP/1.1");
  ASSERT_EQ(monitor.requests().size(), 1U);
  EXPECT_EQ(monitor.requests()[0].state, "running");
  worker.say(Kind::kReply, "done");
  client.receive();
  EXPECT_EQ(monitor.workers()[0].request, "");
  EXPECT_TRUE(monitor.requests().empty());
}

TEST_F(WorkerPoolTest, WhoLooksSeesHowLongAProcessRunsFromItsBegin) {
  settings.handler_timeout = std::chrono::seconds(1);
  start_pool();
  FakeWorker& worker = add_fake();
  Client client(*this);
  client.send(get("/a/slow"));
  settle(0);
  ASSERT_TRUE(worker.gets_request("/a/slow"));
  wait_for_limit();
  ASSERT_EQ(shown(), "a overdue");
  EXPECT_EQ(monitor.workers()[0].request, "GET /a/slow HTTP/1.1");
  EXPECT_GE(monitor.workers()[0].age, settings.handler_timeout);
}

TEST_F(WorkerPoolTest, WhoLooksSeesWhatThePoolRefuses) {
  settings.max_queue = 1;
  start_pool();
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(std::make_unique<Client>(*this));
    clients.back()->send(get("/a/full"));
    settle(0);
  }
  const std::vector<Monitor::Refusal> refusals = monitor.refusals();
  ASSERT_EQ(refusals.size(), 1U);
  EXPECT_EQ(refusals[0].status, 503);
  EXPECT_EQ(refusals[0].parameter, "max_queue");
  EXPECT_EQ(refusals[0].request, "GET /a/full HTTP/1.1");
  EXPECT_THAT(refusals[0].client, StartsWith("127.0.0.1:"));
}

TEST_F(WorkerPoolTest, RequestsWaitInOrderForOneThatIsFree) {
  start_pool();
  std::vector<std::unique_ptr<Client>> clients;
  for (const char* const path : {"/a/1", "/b/2", "/a/3"}) {
    clients.push_back(std::make_unique<Client>(*this));
    clients.back()->send(get(path));
    settle(0);
  }
  EXPECT_EQ(shown(), "a queued, b queued, a queued");
  EXPECT_EQ(statistics.value(Counter::kQueuedRequests), 3U);
  FakeWorker& worker = add_fake();
  for (const char* const path : {"/a/1", "/b/2", "/a/3"}) {
    ASSERT_TRUE(worker.gets_request(path));
    EXPECT_TRUE(worker.gets_nothing()) << "one at a time";
    worker.say(Kind::kReply, path);
    settle(0);
  }
  EXPECT_THAT(clients[0]->receive(), HasSubstr("\r\n\r\n/a/1"));
  EXPECT_THAT(clients[1]->receive(), HasSubstr("\r\n\r\n/b/2"));
  EXPECT_THAT(clients[2]->receive(), HasSubstr("\r\n\r\n/a/3"));
  EXPECT_EQ(statistics.value(Counter::kQueuedRequests), 0U);
}

TEST_F(WorkerPoolTest, OneRootLeavesAProcessForOthers) {
  start_pool(2);
  FakeWorker& one = add_fake();
  FakeWorker& two = add_fake();
  Client first(*this);
  Client second(*this);
  Client other(*this);
  first.send(get("/a/1"));
  settle(0);
  second.send(get("/a/2"));
  settle(0);
  EXPECT_EQ(shown(), "a running, a queued");
  other.send(get("/b/3"));
  settle(0);
  ASSERT_TRUE(one.gets_request("/a/1"));
  ASSERT_TRUE(two.gets_request("/b/3"));
  two.say(Kind::kReply, "b");
  settle(0);
  EXPECT_TRUE(two.gets_nothing());
  one.say(Kind::kReply, "a");
  settle(0);
  EXPECT_TRUE(one.gets_request("/a/2"));
}

TEST_F(WorkerPoolTest, AProcessThatKeepsAReplyIsFreeForTheNextRequest) {
  start_pool();
  FakeWorker& worker = add_fake();
  Client first(*this);
  Client second(*this);
  first.send(get("/a/1"));
  second.send(get("/a/2"));
  settle(0);
  ASSERT_TRUE(worker.gets_request("/a/1"));
  const std::uint64_t first_id = worker.id;
  worker.say(Kind::kKept);
  settle(0);
  EXPECT_EQ(shown(), "a kept, a running");
  ASSERT_TRUE(worker.gets_request("/a/2"));
  worker.say(Kind::kReply, "second");
  EXPECT_THAT(second.receive(), HasSubstr("\r\n\r\nsecond"));
  worker.id = first_id;
  worker.say(Kind::kLate, "first");
  EXPECT_THAT(first.receive(), HasSubstr("\r\n\r\nfirst"));
  EXPECT_EQ(shown(), "");
}

TEST_F(WorkerPoolTest, StreamsAsFastAsTheClientTakesThem) {
  start_pool();
  FakeWorker& worker = add_fake();
  Client client(*this);
  client.send(get("/a"));
  settle(0);
  ASSERT_TRUE(worker.gets_request("/a"));
  worker.begin_stream("one");
  settle(0);
  EXPECT_EQ(shown(), "a streaming");
  EXPECT_EQ(statistics.value(Counter::kBusyWorkers), 0U);
  ASSERT_TRUE(worker.gets(Kind::kPull));
  EXPECT_TRUE(worker.gets_nothing());
  worker.give_piece("two");
  settle(0);
  ASSERT_TRUE(worker.gets(Kind::kPull));
  worker.end_stream(BodySource::kEnd);
  EXPECT_THAT(client.receive(), HasSubstr("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"));
  EXPECT_EQ(shown(), "");
  client.send(get("/a"));
  settle(0);
  EXPECT_TRUE(worker.gets_request("/a")) << "the connection is as good as before";
}

TEST_F(WorkerPoolTest, AStreamMayBeginWithNothing) {
  start_pool();
  FakeWorker& worker = add_fake();
  Client client(*this);
  client.send(get("/a"));
  settle(0);
  ASSERT_TRUE(worker.gets_request("/a"));
  worker.say(Kind::kKept);
  worker.begin_stream("", Kind::kLate);
  EXPECT_THAT(client.receive(), HasSubstr("chunked"));
  EXPECT_TRUE(worker.gets_nothing()) << "it comes by itself";
  worker.give_piece("x");
  EXPECT_EQ(client.receive(), "1\r\nx\r\n");
  EXPECT_TRUE(worker.gets(Kind::kPull));
}

TEST_F(WorkerPoolTest, ABrokenStreamIsCut) {
  start_pool();
  FakeWorker& worker = add_fake();
  Client client(*this);
  client.send(get("/a"));
  settle(0);
  ASSERT_TRUE(worker.gets_request("/a"));
  worker.begin_stream("one");
  settle(0);
  ASSERT_TRUE(worker.gets(Kind::kPull));
  worker.end_stream(BodySource::kBroken);
  EXPECT_THAT(client.receive(), ::testing::EndsWith("3\r\none\r\n"));
  EXPECT_TRUE(client.ended || client.reset);
  EXPECT_EQ(shown(), "");
}

TEST_F(WorkerPoolTest, AFullQueueIsSaidAtOnce) {
  settings.max_queue = 1;
  start_pool();
  Client first(*this);
  Client second(*this);
  Client other(*this);
  first.send(get("/a/1"));
  settle(0);
  second.send(get("/a/2"));
  const std::string reply = second.receive();
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(reply, HasSubstr("\r\nRetry-After: 5\r\n"));
  EXPECT_TRUE(
      log.contains("\"GET /a/2 HTTP/1.1\" to root a; parameter max_queue of module httpd moves this limit"));
  EXPECT_EQ(statistics.value(Counter::kQueueRefusals), 1U);
  other.send(get("/b/1"));
  settle(0);
  EXPECT_EQ(shown(), "a queued, b queued") << "of another root one may wait always";
}

TEST_F(WorkerPoolTest, WithoutAQueueARequestIsServedAtOnceOrNotAtAll) {
  settings.max_queue = 0;
  start_pool();
  Client client(*this);
  client.send(get("/a"));
  EXPECT_THAT(client.receive(), StartsWith("HTTP/1.1 503 "));
  FakeWorker& worker = add_fake();
  client.send(get("/a"));
  settle(0);
  EXPECT_TRUE(worker.gets_request("/a"));
}

TEST_F(WorkerPoolTest, WhoWaitsTooLongIsToldSo) {
  settings.handler_timeout = std::chrono::seconds(1);
  start_pool();
  Client client(*this);
  client.send(get("/a"));
  settle(0);
  EXPECT_EQ(client.receive(100), "");
  wait_for_limit();
  const std::string reply = client.receive(0);
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(reply, HasSubstr("Retry-After"));
  EXPECT_EQ(statistics.value(Counter::kHandlerTimeouts), 1U);
  EXPECT_EQ(statistics.value(Counter::kQueuedRequests), 0U);
  EXPECT_EQ(shown(), "");
  EXPECT_TRUE(log.contains("to root a; parameter handler_timeout of module httpd moves this limit"));
  FakeWorker& worker = add_fake();
  EXPECT_TRUE(worker.gets_nothing());
}

TEST_F(WorkerPoolTest, AHandlerThatTakesTooLongIsAnsweredForAndKeepsItsProcess) {
  settings.handler_timeout = std::chrono::seconds(1);
  start_pool();
  FakeWorker& worker = add_fake();
  Client client(*this);
  client.send(get("/a/slow"));
  settle(0);
  ASSERT_TRUE(worker.gets_request("/a/slow"));
  wait_for_limit();
  EXPECT_THAT(client.receive(0), StartsWith("HTTP/1.1 504 "));
  EXPECT_TRUE(log.contains(
      "to root a; parameter handler_timeout of module httpd moves this limit; handler process 1 ("));
  EXPECT_EQ(shown(), "a overdue");
  ASSERT_TRUE(worker.gets(Kind::kCancel));
  client.send(get("/b/next"));
  settle(0);
  EXPECT_EQ(shown(), "a overdue, b queued");
  EXPECT_EQ(statistics.value(Counter::kBusyWorkers), 1U);
  worker.say(Kind::kReply, "too late");
  settle(0);
  EXPECT_TRUE(worker.gets_request("/b/next"));
  worker.say(Kind::kReply, "in time");
  EXPECT_THAT(client.receive(), HasSubstr("in time"));
}

TEST_F(WorkerPoolTest, WhatIsOverdueMayStillBeKeptOrStreamed) {
  settings.handler_timeout = std::chrono::seconds(1);
  settings.max_root_workers = 2;
  start_pool(2);
  FakeWorker& one = add_fake();
  FakeWorker& two = add_fake();
  Client first(*this);
  Client second(*this);
  first.send(get("/a/1"));
  settle(0);
  second.send(get("/a/2"));
  wait_for_limit();
  ASSERT_TRUE(one.gets_request("/a/1"));
  ASSERT_TRUE(two.gets_request("/a/2"));
  ASSERT_TRUE(one.gets(Kind::kCancel));
  ASSERT_TRUE(two.gets(Kind::kCancel));
  one.say(Kind::kKept);
  two.begin_stream("piece");
  settle(0);
  EXPECT_EQ(shown(), "");
  EXPECT_TRUE(two.gets(Kind::kCancel)) << "of the stream that nobody wants";
  EXPECT_TRUE(one.gets_nothing());
  one.say(Kind::kLate, "x");
  two.give_piece("x");
  settle(0);
  EXPECT_THAT(first.receive(), StartsWith("HTTP/1.1 504 "));
  EXPECT_FALSE(log.contains("makes no sense"));
  first.send(get("/a/3"));
  settle(0);
  EXPECT_TRUE(one.gets_request("/a/3"));
}

TEST_F(WorkerPoolTest, AReplyKeptTooLongIsCancelled) {
  settings.handler_timeout = std::chrono::seconds(1);
  start_pool();
  FakeWorker& worker = add_fake();
  Client client(*this);
  client.send(get("/a"));
  settle(0);
  ASSERT_TRUE(worker.gets_request("/a"));
  worker.say(Kind::kKept);
  wait_for_limit();
  EXPECT_THAT(client.receive(0), StartsWith("HTTP/1.1 504 "));
  EXPECT_EQ(shown(), "");
  ASSERT_TRUE(worker.gets(Kind::kCancel));
  worker.say(Kind::kLate, "too late");
  EXPECT_EQ(client.receive(), "");
  EXPECT_FALSE(log.contains("makes no sense"));
}

TEST_F(WorkerPoolTest, AClientThatLeavesWaitsNoMore) {
  start_pool();
  {
    Client client(*this);
    client.send(get("/a"));
    settle(0);
    EXPECT_EQ(shown(), "a queued");
    server::send_and_reset(client, "x");
  }
  settle(0);
  EXPECT_EQ(shown(), "");
  EXPECT_EQ(statistics.value(Counter::kQueuedRequests), 0U);
  FakeWorker& worker = add_fake();
  EXPECT_TRUE(worker.gets_nothing());
}

TEST_F(WorkerPoolTest, AClientThatLeavesARunningHandlerIsReported) {
  start_pool();
  FakeWorker& worker = add_fake();
  Client client(*this);
  client.send(get("/a"));
  settle(0);
  ASSERT_TRUE(worker.gets_request("/a"));
  server::send_and_reset(client, "x");
  settle(0);
  EXPECT_TRUE(worker.gets(Kind::kCancel));
  EXPECT_EQ(shown(), "a overdue");
  worker.say(Kind::kReply, "x");
  settle(0);
  EXPECT_EQ(shown(), "");
}

TEST_F(WorkerPoolTest, AClientThatLeavesAKeptReplyOrAStreamIsReported) {
  for (const bool streamed : {false, true}) {
    if (pool == nullptr) start_pool();
    FakeWorker& worker = add_fake();
    Client client(*this);
    client.send(get("/a"));
    settle(0);
    ASSERT_TRUE(worker.gets_request("/a"));
    if (streamed) {
      worker.begin_stream("x");
      settle(0);
      EXPECT_TRUE(worker.gets(Kind::kPull));
    } else {
      worker.say(Kind::kKept);
      settle(0);
    }
    server::send_and_reset(client, "x");
    settle(0);
    EXPECT_TRUE(worker.gets(Kind::kCancel));
    EXPECT_EQ(shown(), "");
    worker.die();
    settle(0);
  }
  EXPECT_EQ(statistics.value(Counter::kHandlerDeaths), 0U);
}

TEST_F(WorkerPoolTest, TheEndDropsWhateverStateARequestIsIn) {
  settings.max_root_workers = 4;
  start_pool(4);
  std::vector<std::unique_ptr<Client>> clients;
  for (int number = 0; number < 5; ++number) {
    if (number < 4) add_fake();
    clients.push_back(std::make_unique<Client>(*this));
    clients.back()->send(get("/a"));
    settle(0);
  }
  for (const auto& worker : fakes)
    ASSERT_TRUE(worker->gets_request("/a"));
  fakes[0]->begin_stream("x");
  fakes[1]->say(Kind::kKept);
  settle(0);
  EXPECT_EQ(statistics.value(Counter::kQueuedRequests), 0U);
  server.reset();
  pool.reset();
}

TEST_F(WorkerPoolTest, RefusesAllThatWait) {
  start_pool();
  FakeWorker& worker = add_fake();
  Client running(*this);
  Client first(*this);
  Client second(*this);
  running.send(get("/a/1"));
  settle(0);
  first.send(get("/a/2"));
  second.send(get("/b/3"));
  settle(0);
  ASSERT_TRUE(worker.gets_request("/a/1"));
  pool->drain(WorkerPool::Waiting::kRefused);
  EXPECT_THAT(first.receive(), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(second.receive(), HasSubstr("shutting down"));
  EXPECT_EQ(statistics.value(Counter::kQueuedRequests), 0U);
  worker.say(Kind::kReply, "still served");
  EXPECT_THAT(running.receive(), HasSubstr("still served"));
  pool->drain(WorkerPool::Waiting::kRefused);
}

}  // namespace
}  // namespace httpd::process
