// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/exchange.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <unistd.h>

#include "fixture.h"

namespace httpd::server {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ExchangeTest : public ServerTest {
 protected:
  /// Sends one request to a handler that looks at it, and returns the reply.
  std::string ask(const std::string& request, FunctionHandler::Function function) {
    if (!server) {
      root("a/b", {Method::kGet, Method::kPost},
           [this](const Request& r, Reply reply) { function_(r, std::move(reply)); });
      start();
    }
    function_ = std::move(function);
    Client client(*this);
    client.send(request);
    return client.receive(0);
  }
  FunctionHandler::Function function_;
};

TEST_F(ExchangeTest, ShowsTheRequest) {
  const std::string got =
      ask("POST /a/b/x%20y?q=1&r=%26 HTTP/1.1\r\nHost: h\r\nX-Field:  v \r\nContent-Type: Text/Plain; "
          "charset=x\r\n"
          "Content-Length: 4\r\n\r\nbody",
          [](const Request& request, Reply reply) {
            EXPECT_EQ(request.method(), Method::kPost);
            EXPECT_FALSE(request.is_head());
            EXPECT_EQ(request.version(), "HTTP/1.1");
            EXPECT_EQ(request.target(), "/a/b/x%20y?q=1&r=%26");
            EXPECT_EQ(request.root(), "a/b");
            EXPECT_EQ(request.path(), "/x y");
            EXPECT_EQ(request.path().data()[4], '\0');
            EXPECT_EQ(request.query(), "q=1&r=%26");
            EXPECT_EQ(request.field("x-field"), "v");
            EXPECT_EQ(request.field("absent"), std::nullopt);
            EXPECT_EQ(request.argument("r"), "&");
            EXPECT_EQ(request.argument("x"), std::nullopt);
            EXPECT_EQ(request.argument_count(), 2U);
            EXPECT_EQ(request.argument_at(0).first, "q");
            EXPECT_EQ(request.media_type(), "text/plain");
            EXPECT_EQ(request.body(), "body");
            EXPECT_EQ(request.body().data()[4], '\0');
            EXPECT_EQ(request.client().sa_family, AF_INET);
            EXPECT_NE(ntohs(reinterpret_cast<const sockaddr_in&>(request.server()).sin_port), 0);
            reply.send("seen");
          });
  EXPECT_THAT(got, HasSubstr("\r\n\r\nseen"));
}

TEST_F(ExchangeTest, HeadLooksLikeGet) {
  ask("HEAD /a/b HTTP/1.0\r\n\r\n", [](const Request& request, Reply reply) {
    EXPECT_EQ(request.method(), Method::kGet);
    EXPECT_TRUE(request.is_head());
    EXPECT_EQ(request.version(), "HTTP/1.0");
    EXPECT_EQ(request.path(), "");
    reply.send("");
  });
}

TEST_F(ExchangeTest, FormFieldsComeBeforeQueryArguments) {
  ask("POST /a/b?k=query&only=q HTTP/1.1\r\nHost: h\r\nContent-Type: application/x-www-form-urlencoded\r\n"
      "Content-Length: 11\r\n\r\nk=form&a+=+",
      [](const Request& request, Reply reply) {
        EXPECT_EQ(request.argument("k"), "form");
        EXPECT_EQ(request.argument("a "), " ");
        EXPECT_EQ(request.argument("only"), "q");
        reply.send("");
      });
}

TEST_F(ExchangeTest, PathsThatMeanTwoThingsNeverReachAHandler) {
  for (const std::string path :
       {"/a/b/../c", "/a/b/%2e%2e/c", "/a%2fb", "/a/b/%00", "/a/b/%5c", "/a/b/%c0%af", "/a/b/./c"}) {
    bool called = false;
    const std::string got =
        ask("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n", [&](const Request&, Reply reply) {
          called = true;
          reply.send("");
        });
    EXPECT_THAT(got, StartsWith("HTTP/1.1 400 ")) << path;
    EXPECT_FALSE(called) << path;
  }
}

TEST_F(ExchangeTest, AnEncodedRootIsTheSameRoot) {
  EXPECT_THAT(
      ask("GET /%61/b HTTP/1.1\r\nHost: h\r\n\r\n", [](const Request&, Reply reply) { reply.send("x"); }),
      StartsWith("HTTP/1.1 200 "));
}

TEST_F(ExchangeTest, RefusesRepliesThatWouldSplit) {
  const std::string request = "GET /a/b HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string got = ask(request, [](const Request&, Reply reply) {
    EXPECT_THROW(reply.header("X", "a\r\nSet-Cookie: b"), std::invalid_argument);
    EXPECT_THROW(reply.header("X Y", "a"), std::invalid_argument);
    EXPECT_THROW(reply.header("", "a"), std::invalid_argument);
    EXPECT_THROW(reply.header("content-length", "5"), std::invalid_argument);
    EXPECT_THROW(reply.header("Transfer-Encoding", "chunked"), std::invalid_argument);
    EXPECT_THROW(reply.content_type("a\nb"), std::invalid_argument);
    EXPECT_THROW(reply.status(199), std::invalid_argument);
    EXPECT_THROW(reply.status(600), std::invalid_argument);
    reply.status(599).header("X-Good", "a b").content_type("a/b").send("x");
  });
  EXPECT_THAT(got, StartsWith("HTTP/1.1 599 "));
  EXPECT_THAT(got, HasSubstr("X-Good: a b\r\n"));
  EXPECT_THAT(got, HasSubstr("Content-Type: a/b\r\n"));
}

TEST_F(ExchangeTest, AStateDoesNotLeakIntoTheNextRequest) {
  const std::string request = "GET /a/b HTTP/1.1\r\nHost: h\r\n\r\n";
  ask(request, [](const Request&, Reply reply) {
    reply.status(404).header("X-A", "b").content_type("a/b").send("x");
  });
  const std::string got = ask(request, [](const Request&, Reply reply) { reply.send("y"); });
  EXPECT_EQ(without_date(got),
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 1\r\n\r\ny");
}

TEST_F(ExchangeTest, LentBytesAreReleasedOnce) {
  for (const std::size_t size : {std::size_t{10}, std::size_t{1 << 20}}) {
    static int released;
    released = 0;
    static std::string memory;
    memory.assign(size, 'm');
    const std::string got = ask("GET /a/b HTTP/1.1\r\nHost: h\r\n\r\n", [](const Request&, Reply reply) {
      reply.send(LentBytes(
          memory.data(), memory.size(), [](void*) noexcept { ++released; }, nullptr));
    });
    EXPECT_THAT(got, ::testing::EndsWith(memory));
    EXPECT_EQ(released, 1) << size;
  }
}

/// A request without a connection, whose body has come in pieces.
class SpillingTest : public ServerTest, protected Exchange::Owner {
 protected:
  SpillingTest() : exchange(settings.limits) {
    root("r", {Method::kPost}, [](const Request&, Reply) {});
  }
  ~SpillingTest() override { exchange.end(); }
  void begin(std::string_view type) {
    exchange.begin(*this, {}, nullptr);
    const std::string head =
        "POST /r HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Type: " + std::string(type) + "\r\n\r\n";
    ASSERT_EQ(exchange.parser().parse_head(head), http::RequestParser::State::kComplete);
    ASSERT_EQ(exchange.route(router), http::Refusal::kNone);
  }
  std::string spilled() {
    std::string bytes(exchange.spilled_body().size(), '?');
    EXPECT_EQ(::pread(exchange.spilled_body().descriptor(), bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
    return bytes;
  }
  void on_reply_finished(Exchange& /*exchange*/) noexcept override {}
  const net::Address& local_address() noexcept override { return nowhere_; }
  Exchange exchange;

 private:
  net::Address nowhere_;
};

TEST_F(SpillingTest, ALargeBodyGoesToAFileAsItComes) {
  begin("application/json");
  const std::string piece(64 * 1024, 'p');
  std::string whole;
  for (int count = 0; count < 3; ++count) {
    exchange.received_body() += piece;
    whole += piece;
    ASSERT_TRUE(exchange.spill_body(false));
    EXPECT_TRUE(exchange.body().empty());
  }
  exchange.received_body() += "rest";
  ASSERT_TRUE(exchange.spill_body(false));
  EXPECT_EQ(exchange.body(), "rest") << "little waits for more";
  ASSERT_TRUE(exchange.spill_body(true));
  EXPECT_TRUE(spilled() == whole + "rest" + '\0');
  EXPECT_EQ(::ftruncate(exchange.spilled_body().descriptor(), 0), -1) << "it is sealed";
  exchange.end();
  EXPECT_EQ(exchange.spilled_body().size(), 0U);
}

TEST_F(SpillingTest, ASmallBodyStays) {
  begin("application/json");
  exchange.received_body().assign(64 * 1024 - 1, 's');
  ASSERT_TRUE(exchange.spill_body(true));
  EXPECT_EQ(exchange.spilled_body().size(), 0U);
  EXPECT_EQ(exchange.body().size(), 64U * 1024 - 1);
}

TEST_F(SpillingTest, ABodyThatEndsWithAPieceIsSealedToo) {
  begin("application/json");
  exchange.received_body().assign(64 * 1024, 's');
  ASSERT_TRUE(exchange.spill_body(false));
  ASSERT_TRUE(exchange.spill_body(true));
  EXPECT_EQ(spilled(), std::string(64 * 1024, 's') + '\0');
}

TEST_F(SpillingTest, AFormStaysToBeSplit) {
  for (const std::string_view type :
       {"application/x-www-form-urlencoded", "multipart/form-data; boundary=b"}) {
    begin(type);
    exchange.received_body().assign(200'000, 'f');
    ASSERT_TRUE(exchange.spill_body(true));
    EXPECT_EQ(exchange.spilled_body().size(), 0U);
    EXPECT_EQ(exchange.body().size(), 200'000U);
    exchange.end();
  }
}

}  // namespace
}  // namespace httpd::server
