// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/visit.h"

#include <gtest/gtest.h>
#include <optional>
#include <poll.h>
#include <string>
#include <vector>

#include "descriptors.h"
#include "visit_fixture.h"

namespace httpd::process {
namespace {

using Kind = Header::Kind;
using server::ListSource;

TEST_F(VisitTest, ShowsTheHandlerTheWholeRequest) {
  handle(
      [](const Request& request, Reply reply) {
        EXPECT_EQ(request.method(), Method::kPost);
        EXPECT_EQ(request.path(), "/x y");
        EXPECT_EQ(request.field("x-field"), "v");
        EXPECT_EQ(request.argument("k"), "form");
        EXPECT_EQ(request.argument("q"), "1");
        EXPECT_EQ(request.body(), "k=form");
        EXPECT_EQ(request.body().data()[6], '\0');
        EXPECT_EQ(request.client().sa_family, AF_INET);
        EXPECT_EQ(request.server().sa_family, AF_INET6);
        EXPECT_EQ(request.tls(), nullptr);
        reply.status(201).content_type("a/b").header("X-A", "1").header("X-B", "2").send("made");
      },
      "POST /r/x%20y?q=1 HTTP/1.1\r\nHost: a\r\nX-Field: v\r\nContent-Type: "
      "application/x-www-form-urlencoded\r\n"
      "Content-Length: 6\r\n\r\n",
      "k=form");
  const Sent reply = take();
  EXPECT_EQ(reply.header.kind, Kind::kReply);
  EXPECT_EQ(reply.header.body, Header::Body::kInPayload);
  EXPECT_EQ(reply.header.status, 201);
  EXPECT_EQ(reply.type, "a/b");
  EXPECT_EQ(reply.fields, "X-A: 1\r\nX-B: 2\r\n");
  EXPECT_EQ(reply.body, "made");
  EXPECT_EQ(ended, 1);
}

TEST_F(VisitTest, SendsLentMemoryAndReleasesIt) {
  static int released;
  released = 0;
  static const std::string kMemory(100'000, 'm');
  handle([](const Request&, Reply reply) {
    reply.send(LentBytes(
        kMemory.data(), kMemory.size(), [](void*) noexcept { ++released; }, nullptr));
  });
  const Sent reply = take();
  EXPECT_EQ(reply.header.body, Header::Body::kInFile) << "which can be sent on as it is";
  EXPECT_EQ(reply.header.offset, 0U);
  EXPECT_EQ(reply.header.body_size, kMemory.size());
  EXPECT_TRUE(reply.file);
  EXPECT_TRUE(reply.body == kMemory);
  EXPECT_EQ(released, 1);
}

TEST_F(VisitTest, SendsAFileItself) {
  const std::size_t before = open_descriptors();
  handle([](const Request&, Reply reply) { reply.send(FileBody(open_file("0123456789").release(), 2, 5)); });
  const Sent reply = take();
  EXPECT_EQ(reply.header.body, Header::Body::kInFile);
  EXPECT_EQ(reply.header.offset, 2U);
  EXPECT_EQ(reply.header.body_size, 5U);
  EXPECT_TRUE(reply.file);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(VisitTest, AHandlerThatThrowsOrForgetsIsA500) {
  handle([](const Request&, Reply) { throw std::runtime_error("oh \x01 no"); });
  EXPECT_EQ(take().header.status, 500);
  EXPECT_TRUE(log.contains("handler of root r failed: oh \\x01 no"));
  handle([](const Request&, Reply) {});
  const Sent reply = take();
  EXPECT_EQ(reply.header.status, 500);
  EXPECT_EQ(reply.header.kind, Kind::kReply);
  EXPECT_TRUE(log.contains("let a request go without answering it"));
  EXPECT_EQ(ended, 2);
}

TEST_F(VisitTest, AKeptReplyIsSentFromTheLoop) {
  handle([this](const Request&, Reply reply) { kept.emplace(std::move(reply)); });
  EXPECT_EQ(take().header.kind, Kind::kKept);
  EXPECT_EQ(ended, 0);
  kept->send("late");
  EXPECT_TRUE(sent.empty()) << "not from inside the handler's call";
  settle();
  const Sent reply = take();
  EXPECT_EQ(reply.header.kind, Kind::kLate);
  EXPECT_EQ(reply.body, "late");
  EXPECT_EQ(ended, 1);
}

TEST_F(VisitTest, AKeptReplyThatIsDroppedIsA500) {
  handle([this](const Request&, Reply reply) { kept.emplace(std::move(reply)); });
  take();
  kept.reset();
  settle();
  EXPECT_EQ(take().header.status, 500);
}

TEST_F(VisitTest, ACancelledReplyTellsTheHandlerAndWaitsForIt) {
  const Request* seen = nullptr;
  int told = 0;
  handle([&](const Request& request, Reply reply) {
    seen = &request;
    reply.on_client_gone([&] { ++told; });
    kept.emplace(std::move(reply));
  });
  take();
  visit->cancel();
  EXPECT_EQ(told, 0);
  settle();
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(kept->client_gone());
  EXPECT_EQ(seen->path(), "");
  EXPECT_EQ(seen->root(), "r") << "the request can still be looked at";
  EXPECT_EQ(seen->server().sa_family, AF_INET6);
  EXPECT_EQ(ended, 0);
  visit->cancel();
  EXPECT_EQ(ended, 0);
  kept.reset();
  settle();
  EXPECT_EQ(ended, 1);
  EXPECT_TRUE(sent.empty());
}

TEST_F(VisitTest, AReplyThatWasSentButNotTakenYetMayBeCancelled) {
  handle([this](const Request&, Reply reply) { kept.emplace(std::move(reply)); });
  take();
  kept->send("x");
  visit->cancel();
  settle();
  EXPECT_EQ(ended, 1);
  EXPECT_TRUE(sent.empty());
}

TEST_F(VisitTest, MayBeDestroyedWhateverItWaitsFor) {
  handle([this](const Request&, Reply reply) { kept.emplace(std::move(reply)); });
  visit.reset();
  EXPECT_TRUE(kept->client_gone());
  kept->send("into the void");
  settle();
  EXPECT_EQ(ended, 0);
}

TEST_F(VisitTest, StreamsPieceByPieceAsItIsAsked) {
  stream({{1, "one"}, {1, "two"}});
  Sent first = take();
  EXPECT_EQ(first.header.kind, Kind::kReply);
  EXPECT_EQ(first.header.body, Header::Body::kStream);
  EXPECT_EQ(first.header.last, 0U);
  EXPECT_EQ(first.body, "one");
  settle(50);
  EXPECT_TRUE(sent.empty());
  visit->pull();
  Sent piece = take();
  EXPECT_EQ(piece.header.kind, Kind::kPiece);
  EXPECT_EQ(piece.header.status, 3);
  EXPECT_EQ(piece.body, "two");
  EXPECT_EQ(ended, 0);
  visit->pull();
  EXPECT_EQ(take().header.status, BodySource::kEnd);
  EXPECT_EQ(ended, 1);
}

TEST_F(VisitTest, AnEmptyStreamIsWholeAtOnce) {
  stream({});
  const Sent reply = take();
  EXPECT_EQ(reply.header.last, 1U);
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(reply.header.status, 200);
  EXPECT_EQ(ended, 1);
}

TEST_F(VisitTest, ABrokenBeginningIsA500AndABrokenRestIsSaid) {
  stream({{BodySource::kBroken, ""}});
  Sent reply = take();
  EXPECT_EQ(reply.header.status, 500);
  EXPECT_EQ(reply.header.body, Header::Body::kInPayload);
  EXPECT_TRUE(log.contains("could not be completed after 0 bytes: answered with 500"));
  stream({{1, "some"}, {BodySource::kBroken, ""}});
  take();
  visit->pull();
  EXPECT_EQ(take().header.status, BodySource::kBroken);
  EXPECT_TRUE(log.contains("could not be completed after 4 bytes: connection cut"));
  EXPECT_EQ(ended, 2);
}

TEST_F(VisitTest, ASourceThatHasNothingNowIsAskedAgainByItself) {
  stream({{BodySource::kLater, ""}, {BodySource::kLater, ""}, {1, "x"}, {BodySource::kLater, ""}});
  EXPECT_EQ(take().body, "");
  settle(100);
  EXPECT_EQ(take().body, "x");
  visit->pull();
  EXPECT_TRUE(sent.empty());
  settle(100);
  EXPECT_EQ(take().header.status, BodySource::kEnd);
}

/// A source that waits until it is woken.
struct WaitingSource final : BodySource {
  explicit WaitingSource(WaitingSource*& place) : self(place) { self = this; }
  ~WaitingSource() override { self = nullptr; }
  std::ptrdiff_t read(std::uint64_t at, char* buffer, std::size_t size) override {
    position = at;
    ++reads;
    if (std::exchange(wake_while_read, false)) wake();
    if (result > 0 && static_cast<std::size_t>(result) <= size) std::fill_n(buffer, result, 'w');
    if (throws) throw std::runtime_error("no more");
    return std::exchange(result, kWait);
  }
  WaitingSource*& self;
  std::uint64_t position = 0;
  std::ptrdiff_t result = kWait;
  int reads = 0;
  bool wake_while_read = false;
  bool throws = false;
};

class VisitSourceTest : public VisitTest {
 protected:
  void begin() {
    handle([this](const Request&, Reply reply) { reply.stream(std::make_unique<WaitingSource>(source)); });
    EXPECT_EQ(take().body, "");
    ASSERT_NE(source, nullptr);
  }
  WaitingSource* source = nullptr;
};

TEST_F(VisitSourceTest, IsAskedWhenItIsWoken) {
  begin();
  settle(50);
  EXPECT_TRUE(sent.empty());
  source->result = 3;
  source->wake();
  source->wake();
  EXPECT_TRUE(sent.empty());
  settle();
  EXPECT_EQ(take().body, "www");
  source->wake();
  settle();
  EXPECT_TRUE(sent.empty()) << "nobody has asked for more";
  source->result = 1;
  visit->pull();
  EXPECT_EQ(take().body, "w");
  EXPECT_EQ(source->position, 3U);
}

TEST_F(VisitSourceTest, AWakeFromInsideReadIsNotLost) {
  begin();
  source->wake_while_read = true;
  source->wake();
  settle();
  EXPECT_EQ(source->reads, 3) << "at first, when it was woken, and when it woke itself";
  EXPECT_TRUE(sent.empty());
}

TEST_F(VisitSourceTest, WhatItMustNotAnswerIsBroken) {
  for (const std::ptrdiff_t wrong : {std::ptrdiff_t{kWindow + 1}, std::ptrdiff_t{-4}, PTRDIFF_MIN}) {
    begin();
    source->result = wrong;
    source->wake();
    settle();
    EXPECT_EQ(take().header.status, BodySource::kBroken);
    EXPECT_EQ(source, nullptr);
  }
  begin();
  source->result = kWindow;
  source->wake();
  settle();
  EXPECT_EQ(take().body.size(), kWindow);
}

TEST_F(VisitSourceTest, WhatItThrowsIsBroken) {
  begin();
  source->throws = true;
  source->wake();
  settle();
  EXPECT_EQ(take().header.status, BodySource::kBroken);
  EXPECT_TRUE(log.contains("no more"));
  EXPECT_EQ(source, nullptr);
}

TEST_F(VisitSourceTest, CancellingDestroysIt) {
  begin();
  source->wake();
  visit->cancel();
  EXPECT_EQ(source, nullptr);
  EXPECT_EQ(ended, 1);
  settle(50);
  EXPECT_TRUE(sent.empty());
  visit->cancel();
  visit->pull();
  EXPECT_TRUE(sent.empty());
}

TEST_F(VisitTest, WhatCannotBeSentBecomesASmall500) {
  refused = 1;
  handle([](const Request&, Reply reply) { reply.send(std::string(100'000, 'x')); });
  Sent reply = take();
  EXPECT_EQ(reply.header.status, 500);
  EXPECT_EQ(reply.header.kind, Kind::kReply);
  EXPECT_EQ(ended, 1);
  handle([this](const Request&, Reply late) { kept.emplace(std::move(late)); });
  take();
  refused = 1;
  kept->stream(std::make_unique<ListSource>(std::vector<std::pair<std::ptrdiff_t, std::string>>{{1, "x"}}));
  settle();
  reply = take();
  EXPECT_EQ(reply.header.status, 500);
  EXPECT_EQ(reply.header.kind, Kind::kLate);
  EXPECT_EQ(ended, 2);
}

TEST_F(VisitTest, ARequestThatCannotBeReadIsA500) {
  function = [](const Request&, Reply) { FAIL() << "no handler sees it"; };
  Header header;
  header.id = 42;
  handle(header, "");
  EXPECT_EQ(take().header.status, 500);
  header.sizes = {3, 3};
  header.body_size = 1;
  handle(header, std::string("abcdef\0", 7));
  EXPECT_EQ(take().header.status, 500);
  header.payload_in_file = 1;
  handle(header, "");
  EXPECT_EQ(take().header.status, 500);
  EXPECT_TRUE(log.contains("a request could not be taken over from the HTTPD process"));
  handle([](const Request&, Reply reply) { reply.send("next"); });
  EXPECT_EQ(take().body, "next") << "the one before has left nothing";
}

TEST_F(VisitTest, ARequestOfALimitOfItsOwnIsA500) {
  const std::string head = get("/r");
  std::string origin;
  const WholeRequest request(limits, router, head);
  const Outgoing outgoing = request_message(42, request.exchange, origin);
  for (const std::string_view other :
       {"GET /none HTTP/1.1\r\nHost: a\r\n\r\n", "GET /r HTTP/1.1\r\nHost: a\r\n",
        "PUT /r HTTP/1.1\r\nHost: a\r\n\r\n", "nonsense", "", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"}) {
    Header header = outgoing.header;
    header.sizes[1] = static_cast<std::uint32_t>(other.size());
    handle(header, origin + std::string(other) + '\0');
    EXPECT_EQ(take().header.status, 500) << other;
  }
}

}  // namespace
}  // namespace httpd::process
