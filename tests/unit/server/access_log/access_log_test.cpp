// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/access_log/access_log.h"

#include <gmock/gmock.h>
#include <regex>
#include <sys/mman.h>

#include <httpd/file_body.h>

#include "../connection_fixture.h"
#include "log_pair.h"
#include "server/access_log/request_id.h"

namespace httpd::server {
namespace {

using ::testing::HasSubstr;

/// A server with an access log, and what that says.
class AccessLogTest : public ConnectionTest {
 protected:
  void start_logging(std::string format = "%m %U %s %B %X") {
    settings.access_log.format = std::move(format);
    access_log = std::make_unique<AccessLog>(loop, settings.access_log, pair.sending.get(), statistics, log);
    server = std::make_unique<Server>(loop, settings, router, log, statistics);
    server->use_access_log(*access_log);
    server->use_request_ids(ids);
    server->init_handlers();
    server->serve(socket);
  }
  /// The lines so far.
  std::string logged() {
    settle();
    access_log->finish();
    return pair.text();
  }
  void TearDown() override { server.reset(); }

  LogPair pair;
  RequestIds ids;
  std::unique_ptr<AccessLog> access_log;
};

TEST_F(AccessLogTest, ALineForEachRequestOfAPipelineInFragmentsOfAnySize) {
  start_logging();
  const std::string requests = std::string(kGet) + "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n" +
                               "HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n" + post("/echo", "four") +
                               "OPTIONS /hello HTTP/1.1\r\nHost: a\r\n\r\n" +
                               "GET /throw HTTP/1.1\r\nHost: a\r\n\r\n" +
                               "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
  for (const std::size_t step : {requests.size(), std::size_t{1}, std::size_t{7}}) {
    Client client(*this);
    client.trickle(requests, step);
    client.receive();
    const std::string text = logged();
    EXPECT_TRUE(std::regex_match(text, std::regex("GET /hello 200 5 \\+\nGET /nowhere 404 \\d+ \\+\n"
                                                  "HEAD /hello 200 0 \\+\nPOST /echo 200 4 \\+\n"
                                                  "OPTIONS /hello 204 0 \\+\nGET /throw 500 \\d+ \\+\n"
                                                  "GET /hello 200 5 -\n")))
        << text;
  }
}

TEST_F(AccessLogTest, ALargeReplyHasItsLineWhenItIsOut) {
  start_logging();
  Client client(*this);
  client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(logged(), "");
  client.receive();
  EXPECT_EQ(logged(), "GET /large 200 8388608 +\n");
}

TEST_F(AccessLogTest, AClientThatLeavesGetsWhatItTookCounted) {
  start_logging();
  Client client(*this);
  client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
  settle();
  send_and_reset(client, "");
  const std::string text = logged();
  std::smatch found;
  ASSERT_TRUE(std::regex_match(text, found, std::regex("GET /large 200 (\\d+) X\n"))) << text;
  EXPECT_GT(std::stoul(found[1]), 0U);
  EXPECT_LT(std::stoul(found[1]), 8388608U);
}

TEST_F(AccessLogTest, StreamsAreCountedWithoutTheirFraming) {
  start_logging();
  for (const char* const version : {"1.1", "1.0"}) {
    pieces = {{0, "first"}, {0, "second"}};
    Client client(*this);
    client.send("GET /stream HTTP/" + std::string(version) + "\r\nHost: a\r\n\r\n");
    client.receive();
    EXPECT_EQ(logged(), std::string("GET /stream 200 11 ") + (version[2] == '1' ? "+\n" : "-\n"));
  }
}

TEST_F(AccessLogTest, AStreamThatBreaksIsCut) {
  start_logging();
  pieces = {{0, "first"}, {BodySource::kBroken, ""}};
  Client client(*this);
  client.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  client.receive();
  EXPECT_EQ(logged(), "GET /stream 200 5 X\n");
}

TEST_F(AccessLogTest, AStreamThatFailsAtOnceIsOneRefusal) {
  start_logging();
  pieces = {{BodySource::kBroken, ""}};
  Client client(*this);
  client.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  client.receive();
  EXPECT_THAT(logged(), ::testing::MatchesRegex("GET /stream 500 [0-9]+ \\+\n"));
}

TEST_F(AccessLogTest, PartsOfFiles) {
  const std::string bytes(100'000, 'f');
  root("file", {Method::kGet}, [&](const Request& request, Reply reply) {
    const int fd = ::memfd_create("file", MFD_CLOEXEC);
    EXPECT_EQ(::write(fd, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    reply.send(FileBody(fd, 0, request.path() == "/small" ? 10 : bytes.size()));
  });
  start_logging();
  Client client(*this);
  client.send("GET /file/small HTTP/1.1\r\nHost: a\r\n\r\nGET /file/all HTTP/1.1\r\nHost: a\r\n\r\n" +
              std::string(kGet));
  client.receive();
  EXPECT_EQ(logged(), "GET /file/small 200 10 +\nGET /file/all 200 100000 +\nGET /hello 200 5 +\n");
}

TEST_F(AccessLogTest, AClientThatDoesNotWaitForItsHandler) {
  start_logging("%U %s %B %X %D %I");
  Client client(*this);
  client.send("GET /keep HTTP/1.1\r\nHost: a\r\nX-Request-Id: i\r\n\r\n");
  settle();
  ASSERT_TRUE(kept);
  EXPECT_EQ(logged(), "");
  send_and_reset(client, "");
  EXPECT_THAT(logged(), ::testing::MatchesRegex("/keep - 0 X [0-9]+ i\n"));
  kept.reset();
  EXPECT_EQ(logged(), "");
}

TEST_F(AccessLogTest, TheEndOfTheServerIsAnEndOfItsConnections) {
  start_logging();
  Client large(*this);
  large.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
  settle();
  Client waiting(*this);
  waiting.send("GET /keep HTTP/1.1\r\nHost: a\r\n\r\n");
  Client half(*this);
  half.send("GET /never HTTP/1.1\r\n");
  settle();
  server.reset();
  const std::string text = logged();
  EXPECT_THAT(text, HasSubstr("GET /large 200 "));
  EXPECT_THAT(text, HasSubstr("GET /keep - 0 X\n"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

TEST_F(AccessLogTest, AHandlerThatIsTooSlow) {
  settings.handler_timeout = std::chrono::seconds(1);
  start_logging("%U %s %D %T %I");
  Client client(*this);
  client.send("GET /keep HTTP/1.1\r\nHost: a\r\nX-Request-Id: i\r\n\r\n");
  settle(1500);
  EXPECT_THAT(client.receive(), HasSubstr("X-Request-Id: i\r\n"));
  EXPECT_THAT(logged(), ::testing::MatchesRegex("/keep 504 1[0-9]{6} 1\\.[0-9]{6} i\n"));
}

TEST_F(AccessLogTest, WhatIsNoRequest) {
  start_logging("%r|%m|%U|%H|%s|%I");
  for (const char* const bytes : {"\x01\"\xff\n\n", "GET\r\n\r\n"}) {
    Client client(*this);
    client.send(bytes);
    client.receive();
  }
  EXPECT_THAT(logged(), ::testing::MatchesRegex("\\\\x01\\\\\"\\\\xff\\|-\\|-\\|-\\|400\\|[0-9a-f]{32}\n"
                                                "GET\\|-\\|-\\|-\\|400\\|[0-9a-f]{32}\n"));
}

TEST_F(AccessLogTest, AConnectionAtRestHoldsNoRecord) {
  start_logging();
  Client client(*this);
  client.send(kGet);
  client.receive();
  const LogRecord* before = nullptr;
  AccessLog::Record record;
  access_log->begin(record);
  before = record.get();
  access_log->give_back(std::move(record));
  access_log->begin(record);
  EXPECT_EQ(record.get(), before) << "the record of the connection is here to be taken";
  access_log->give_back(std::move(record));
}

TEST_F(AccessLogTest, IdsAreWithoutALogToo) {
  root("id", {Method::kGet}, [](const Request& request, Reply reply) {
    reply.send(std::string(request.field("x-request-id").value_or("none")));
  });
  server = std::make_unique<Server>(loop, settings, router, log, statistics);
  server->use_request_ids(ids);
  server->serve(socket);
  Client client(*this);
  client.send("GET /id HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n\r\n");
  const std::string reply = client.receive();
  EXPECT_THAT(reply, HasSubstr("\r\nX-Request-Id: mine\r\n"));
  EXPECT_THAT(reply, HasSubstr("\r\n\r\nmine"));
  client.send("GET /id HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_THAT(client.receive(), ::testing::Not(HasSubstr("mine")));
}

TEST_F(AccessLogTest, AnIdOfTheHandlersIsTheOnlyOne) {
  root("own", {Method::kGet},
       [](const Request&, Reply reply) { reply.header("X-Request-Id", "theirs").send("x"); });
  start_logging("%I");
  Client client(*this);
  client.send("GET /own HTTP/1.1\r\nHost: a\r\nX-Request-Id: ours\r\n\r\n");
  const std::string reply = client.receive();
  EXPECT_THAT(reply, HasSubstr("X-Request-Id: theirs\r\n"));
  EXPECT_THAT(reply, ::testing::Not(HasSubstr("ours")));
  EXPECT_EQ(logged(), "ours\n");
}

}  // namespace
}  // namespace httpd::server
