// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/worker.h"

#include <cstring>

#include "pool_fixture.h"
#include "random.h"

namespace httpd::process {
namespace {

using server::ListSource;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Kind = Header::Kind;

/// A handler process, and the test in the place of the HTTPD process.
class WorkerTest : public PoolTest {
 protected:
  void serve() {
    meeting_point.attend(loop, [this](Arrival arrival) {
      ++arrivals;
      httpd = std::move(arrival.socket);
    });
    start_workers(1);
  }
  void TearDown() override {
    meeting_point.leave();
    httpd.reset();
    PoolTest::TearDown();
  }
  void tell(Kind kind, std::uint64_t id = 0) {
    Outgoing message;
    message.header.kind = kind;
    message.header.id = id;
    ASSERT_EQ(send_message(httpd.get(), message, false), SendResult::kSent);
    settle(0);
  }
  void ask(std::uint64_t id, std::string_view head, std::string_view body = {}) {
    WholeRequest request(settings.limits, router, head, body);
    std::string origin;
    ASSERT_EQ(send_message(httpd.get(), request_message(id, request.exchange, origin), false),
              SendResult::kSent);
    settle(0);
  }
  /// What the process said: "kind id status body".
  std::string said() {
    Incoming incoming;
    const ReceiveResult result = receive_message(httpd.get(), buffer, incoming);
    if (result == ReceiveResult::kNothing) return "nothing";
    if (result != ReceiveResult::kMessage) return "gone";
    constexpr std::array kNames{"welcome", "request", "cancel", "pull", "reply", "kept", "late", "piece"};
    return kNames.at(static_cast<std::size_t>(incoming.header.kind)) +
           (' ' + std::to_string(incoming.header.id)) + ' ' + std::to_string(incoming.header.status) + ' ' +
           std::string(incoming.part(2));
  }
  server::FunctionHandler& keeping() {
    return root("keep", {Method::kGet}, [this](const Request& request, Reply reply) {
      seen = &request;
      reply.on_client_gone([this] { ++told; });
      kept.emplace(std::move(reply));
    });
  }
  net::UniqueFd httpd;
  int arrivals = 0;
  int told = 0;
  const Request* seen = nullptr;
  std::vector<char> buffer = std::vector<char>(kMessageSize);
};

TEST_F(WorkerTest, PreparesItsHandlersAndServes) {
  server::FunctionHandler& hello =
      root("hello", {Method::kGet}, [](const Request&, Reply reply) { reply.send("hello"); });
  serve();
  ASSERT_EQ(arrivals, 1);
  EXPECT_NE(hello.process_loop, nullptr);
  tell(Kind::kWelcome);
  EXPECT_EQ(said(), "nothing");
  for (std::uint64_t id = 1; id < 30; ++id) {
    ask(id, get("/hello"));
    EXPECT_EQ(said(), "reply " + std::to_string(id) + " 200 hello");
  }
}

TEST_F(WorkerTest, HandlersThatRunInTheHttpdProcessDoNotBeginHere) {
  const server::FunctionHandler& quick = root(
      "quick", {Method::kGet}, [](const Request&, Reply) {}, true);
  start_workers(1);
  EXPECT_EQ(quick.process_loop, nullptr);
}

TEST_F(WorkerTest, WhatAHandlerThrowsWhenItIsPreparedComesThrough) {
  struct Failing final : Handler {
    MethodSet methods() const override { return {Method::kGet}; }
    void init_process(Loop& /*loop*/) override { throw std::runtime_error("no"); }
    void handle(const Request& /*request*/, Reply /*reply*/) override {}
  };
  router.add("test", "failing", std::make_unique<Failing>());
  EXPECT_THROW(start_workers(1), std::runtime_error);
}

TEST_F(WorkerTest, KeepsAnyNumberOfReplies) {
  std::vector<Reply> all;
  root("keep", {Method::kGet}, [&](const Request&, Reply reply) { all.push_back(std::move(reply)); });
  serve();
  for (std::uint64_t id = 1; id <= 20; ++id) {
    ask(id, get("/keep"));
    EXPECT_EQ(said(), "kept " + std::to_string(id) + " 0 ");
  }
  while (!all.empty()) {
    all.back().send(std::to_string(all.size()));
    settle(0);
    EXPECT_EQ(said(), "late " + std::to_string(all.size()) + " 200 " + std::to_string(all.size()));
    all.pop_back();
  }
}

TEST_F(WorkerTest, ComesAgainAtOnceWhenTheHttpdProcessHasEnded) {
  keeping();
  int destroyed = 0;
  root("stream", {Method::kGet}, [&](const Request&, Reply reply) {
    struct Endless final : BodySource {
      explicit Endless(int& counter) : count(counter) {}
      ~Endless() override { ++count; }
      std::ptrdiff_t read(std::uint64_t, char* to, std::size_t) override { return *to = 'x', 1; }
      int& count;
    };
    reply.stream(std::make_unique<Endless>(destroyed));
  });
  serve();
  tell(Kind::kWelcome);
  ask(1, get("/keep"));
  ask(2, get("/stream"));
  httpd.reset();
  settle(0);
  EXPECT_EQ(arrivals, 2);
  EXPECT_EQ(told, 1);
  EXPECT_EQ(destroyed, 1);
  EXPECT_TRUE(kept->client_gone());
  kept->send("nobody hears it");
  settle(0);
  EXPECT_EQ(said(), "nothing");
  tell(Kind::kWelcome);
  ask(3, get("/keep"));
  EXPECT_EQ(said(), "kept 3 0 ");
}

TEST_F(WorkerTest, ComesAgainAfterAWhileWhenItWasNotWelcome) {
  serve();
  httpd.reset();
  settle(0);
  EXPECT_EQ(arrivals, 1);
  settle(200);
  EXPECT_EQ(arrivals, 2);
}

TEST_F(WorkerTest, EndsAtOnceWhenNobodyHasWelcomedIt) {
  start_workers(1);
  bool done = false;
  workers[0]->end([&] { done = true; });
  EXPECT_TRUE(done);
}

TEST_F(WorkerTest, EndsWhenTheHttpdProcessHas) {
  root("hello", {Method::kGet}, [](const Request&, Reply reply) { reply.send("hello"); });
  serve();
  tell(Kind::kWelcome);
  int done = 0;
  workers[0]->end([&] { ++done; });
  ask(1, get("/hello"));
  EXPECT_EQ(said(), "reply 1 200 hello") << "it serves meanwhile";
  EXPECT_EQ(done, 0);
  httpd.reset();
  settle(150);
  EXPECT_EQ(done, 1);
  EXPECT_EQ(arrivals, 1);
}

TEST_F(WorkerTest, SurvivesNonsense) {
  Random random(4);
  root("hello", {Method::kGet}, [](const Request&, Reply reply) { reply.send("hello"); });
  keeping();
  serve();
  tell(Kind::kWelcome);
  tell(Kind::kReply, 1);
  EXPECT_TRUE(log.contains("the HTTPD process said what makes no sense"));
  tell(Kind::kCancel, 77);
  tell(Kind::kPull, 77);
  EXPECT_EQ(said(), "nothing");
  int known = arrivals;
  const net::UniqueFd file = open_file("not sealed");
  for (int round = 0; round < 500; ++round) {
    Outgoing message;
    message.header.kind = static_cast<Kind>(random() % 5);
    message.header.id = 1000 + random() % 4;
    message.header.sizes = {random() % 40, random() % 40};
    message.header.body_size = random() % 4;
    const std::string payload(message.header.sizes[0] + message.header.sizes[1] + message.header.body_size,
                              static_cast<char>(random()));
    message.parts[0] = payload;
    if (random() % 4 == 0) message.header.body = Header::Body::kInFile;
    if (message.header.body == Header::Body::kInFile)
      message.parts[0] = std::string_view(payload).substr(0, message.header.sizes[0]);
    if (random() % 3 == 0) message.file = file.get();
    ASSERT_EQ(send_message(httpd.get(), message, false), SendResult::kSent);
    settle(0);
    while (said() != "nothing") {
    }
    if (std::exchange(known, arrivals) != arrivals) tell(Kind::kWelcome);
  }
  EXPECT_GT(arrivals, 10) << "what is no message is the end of its sender";
  ask(5, get("/hello"));
  EXPECT_EQ(said(), "reply 5 200 hello");
}

TEST_F(WorkerTest, AnOldRequestThatIsKeptOutlivesItsNumber) {
  keeping();
  root("hello", {Method::kGet}, [](const Request&, Reply reply) { reply.send("hello"); });
  serve();
  tell(Kind::kWelcome);
  ask(1, get("/keep/it"));
  EXPECT_EQ(said(), "kept 1 0 ");
  httpd.reset();
  settle(0);
  ASSERT_EQ(arrivals, 2);
  tell(Kind::kWelcome);
  // Numbers begin anew with the HTTPD process.
  ask(1, get("/hello"));
  EXPECT_EQ(said(), "reply 1 200 hello");
  EXPECT_EQ(seen->path(), "/it") << "it lives as long as its Reply is held";
  kept.reset();
  settle(0);
}

TEST_F(WorkerTest, AFileThatIsNoneIsA500AndNotSilence) {
  root("closed", {Method::kGet}, [](const Request&, Reply reply) {
    const int file = open_file("x").release();
    ::close(file);
    reply.send(FileBody(file, 0, 1));
  });
  serve();
  tell(Kind::kWelcome);
  ask(1, get("/closed"));
  EXPECT_EQ(said(), "reply 1 500 The handler failed\n");
}

/// The same requests with and without handler processes.
class WorkerRepliesTest : public PoolTest {
 protected:
  void SetUp() override {
    PoolTest::SetUp();
    settings.limits.receive_buf_size = 1 << 20;
    const auto stream = [](std::vector<std::pair<std::ptrdiff_t, std::string>> pieces) {
      return [pieces](const Request&, Reply reply) { reply.stream(std::make_unique<ListSource>(pieces)); };
    };
    const auto add = [this](std::string_view name, server::FunctionHandler::Function function) {
      root(name, {Method::kGet, Method::kPost}, std::move(function));
      paths.push_back('/' + std::string(name));
    };
    add("short", [](const Request&, Reply reply) { reply.send("short"); });
    add("empty", [](const Request&, Reply reply) { reply.send(""); });
    add("long", [](const Request&, Reply reply) { reply.send(std::string(300'000, 'l')); });
    add("fields", [](const Request&, Reply reply) {
      reply.status(404).content_type("a/b").header("X-A", "1").header("Set-Cookie", "c").send("x");
    });
    add("many", [](const Request&, Reply reply) {
      for (int number = 0; number < 1000; ++number)
        reply.header("X-Field", std::string(100, 'f'));
      reply.send("many");
    });
    add("crowded", [](const Request&, Reply reply) {
      for (int number = 0; number < 300; ++number)
        reply.header("X-Field", std::string(100, 'f'));
      reply.stream(std::make_unique<ListSource>(
          std::vector<std::pair<std::ptrdiff_t, std::string>>{{1, std::string(kWindow, 's')}, {1, "x"}}));
    });
    for (const int status : {204, 205, 304, 405, 599})
      add("status" + std::to_string(status),
          [status](const Request&, Reply reply) { reply.status(status).send("x"); });
    add("lent", [](const Request&, Reply reply) {
      static const std::string kMemory(100'000, 'm');
      reply.send(LentBytes(
          kMemory.data(), kMemory.size(), [](void*) noexcept {}, nullptr));
    });
    for (const std::size_t size : {std::size_t{100}, std::size_t{400'000}})
      add("file" + std::to_string(size), [size](const Request&, Reply reply) {
        reply.send(FileBody(open_file(std::string(size, 'f') + "end").release(), 3, size));
      });
    add("served", [](const Request&, Reply reply) {
      File file = File::from_descriptor(open_file("0123456789").release());
      file.set_entity_tag("\"tag\"").set_modified(1'000'000'000);
      reply.send_file(std::move(file));
    });
    add("missing", [](const Request&, Reply reply) { reply.send_file(File::open("/none")); });
    add("stream", stream({{1, "one"}, {1, std::string(kWindow, 's')}, {0, ""}, {1, "three"}}));
    add("nothing", stream({}));
    add("later", stream({{0, ""}, {0, ""}, {1, "x"}}));
    add("broken", stream({{BodySource::kBroken, ""}}));
    add("cut", stream({{1, "x"}, {BodySource::kBroken, ""}}));
    add("keep", [this](const Request&, Reply reply) { kept.emplace(std::move(reply)); });
    add("drop", [](const Request&, Reply) {});
    add("throw", [](const Request&, Reply) { throw std::runtime_error("no"); });
    add("echo", [](const Request& request, Reply reply) {
      std::string text;
      for (std::size_t index = 0; index < request.argument_count(); ++index) {
        const auto [key, value] = request.argument_at(index);
        text.append(key).append("=").append(value).append(";");
      }
      reply.content_type(request.version()).send(text + std::string(request.body()));
    });
  }
  std::vector<std::string> requests() {
    std::vector<std::string> all;
    for (const std::string& path : paths)
      for (const char* const method : {"GET ", "HEAD ", "OPTIONS "})
        for (const char* const version : {" HTTP/1.1\r\nHost: a\r\n\r\n", " HTTP/1.0\r\n\r\n"})
          all.push_back(method + path + version);
    all.push_back(get("/echo/x?a=1&b=%20"));
    all.push_back(post("/echo", "k=v&l=+", "Content-Type: application/x-www-form-urlencoded\r\n"));
    all.push_back(post("/echo", std::string(500'000, 'b')));
    all.push_back(post("/echo?q=1", "k=" + std::string(60'000, 'f'), "Content-Type: text/plain\r\n"));
    all.push_back(
        "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
        "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    all.push_back("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx");
    all.push_back("GET /served HTTP/1.1\r\nHost: a\r\nRange: bytes=2-4\r\n\r\n");
    all.push_back("GET /served HTTP/1.1\r\nHost: a\r\nRange: bytes=0-0,2-3\r\n\r\n");
    all.push_back("GET /served HTTP/1.1\r\nHost: a\r\nRange: bytes=99-\r\n\r\n");
    all.push_back("GET /served HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"tag\"\r\n\r\n");
    all.push_back(get("/none"));
    all.push_back(get("/short") + get("/long") + get("/stream") + get("/short"));
    return all;
  }
  std::vector<std::string> answers() {
    std::vector<std::string> all;
    for (const std::string& request : requests()) {
      Client client(*this);
      client.send(request);
      std::string answer = client.receive(0);
      if (kept) {
        kept->status(203).send("kept");
        kept.reset();
      }
      answer += client.receive(request.find("/later") == std::string::npos ? 0 : 60);
      if (request.find("/stream") != std::string::npos) answer += client.receive(60);
      all.push_back(without_date(std::move(answer)) + (client.ended || client.reset ? "(end)" : ""));
    }
    return all;
  }
  std::vector<std::string> paths;
};

TEST_F(WorkerRepliesTest, AreTheSameAsThoseOfTheHttpdProcess) {
  start();
  const std::vector<std::string> alone = answers();
  server.reset();
  start_pool(2);
  start_workers(2);
  const std::vector<std::string> together = answers();
  const std::vector<std::string> asked = requests();
  ASSERT_EQ(together.size(), alone.size());
  for (std::size_t index = 0; index < alone.size(); ++index) {
    // A handler process asks a source for its first piece before it knows how the reply is framed.
    if (asked[index].starts_with("HEAD /broken")) continue;
    // Boundaries of ranges differ from reply to reply.
    if (asked[index].find("0-0,2-3") != std::string::npos) {
      EXPECT_THAT(together[index], HasSubstr(" 206 "));
      continue;
    }
    EXPECT_EQ(together[index].size(), alone[index].size()) << asked[index].substr(0, 60);
    EXPECT_TRUE(together[index] == alone[index])
        << asked[index].substr(0, 60) << together[index].substr(0, 500) << "\n--\n"
        << alone[index].substr(0, 500);
  }
  EXPECT_EQ(shown(), "");
  EXPECT_EQ(statistics.value(Counter::kBusyWorkers), 0U);
}

TEST_F(WorkerRepliesTest, SurviveAnHttpdProcessThatIsStartedAgain) {
  start_pool();
  start_workers(1);
  for (int round = 0; round < 3; ++round) {
    {
      Client client(*this);
      client.send(get("/keep"));
      settle(0);
      EXPECT_TRUE(kept.has_value());
      server.reset();
      pool.reset();
      settle(0);
      EXPECT_TRUE(kept->client_gone());
      kept.reset();
    }
    start_pool();
    Client client(*this);
    client.send(get("/short"));
    EXPECT_THAT(client.receive(), HasSubstr("\r\n\r\nshort"));
  }
}

TEST_F(WorkerRepliesTest, SurviveProcessesThatAreStartedAgain) {
  start_pool();
  start_workers(1);
  for (int round = 0; round < 3; ++round) {
    Client client(*this);
    client.send(get("/keep"));
    settle(0);
    workers.clear();
    EXPECT_THAT(client.receive(), StartsWith("HTTP/1.1 502 "));
    client.send(get("/short"));
    settle(0);
    start_workers(1);
    EXPECT_THAT(client.receive(), HasSubstr("\r\n\r\nshort"));
  }
}

}  // namespace
}  // namespace httpd::process
