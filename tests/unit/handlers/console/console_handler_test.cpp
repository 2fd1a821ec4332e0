// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/console_handler.h"

#include <array>
#include <gmock/gmock.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/timerfd.h>

#include <httpd/module.h>

#include "../fakes.h"
#include "fakes.h"
#include "scarce_memory.h"

namespace httpd::console {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::array<Asset, 2> kAssets{
    {{"console.js", "text/javascript; charset=utf-8", "function long() {}", "short"},
     {"icon.svg", "image/svg+xml", "<svg/>", ""}}};
constexpr std::string_view kPage =
    R"(<body data-mi="{{mi}}" data-build="{{build}}">{{number httpd:requests/s}} {{table requests}})";

class ConsoleHandlerTest : public testing::Test {
 protected:
  using Channel = std::unique_ptr<FakeChannel>;

  Channel get(const FakeRequest& request) {
    auto channel = std::make_unique<FakeChannel>();
    handler_->handle(request, Reply(*channel));
    EXPECT_EQ(channel->finished, 1);
    EXPECT_FALSE(channel->abandoned);
    return channel;
  }
  Channel get(std::string_view path) { return get(FakeRequest(path)); }
  void start() { handler_->init_process(loop_); }
  /// A second passes, by the clock and by the loop.
  void second() {
    now_ += 1s;
    const int timer = loop_.watched();
    const itimerspec soon{{0, 0}, {0, 1}};
    ASSERT_EQ(::timerfd_settime(timer, 0, &soon, nullptr), 0);
    pollfd one{timer, POLLIN, 0};
    ASSERT_EQ(::poll(&one, 1, 10'000), 1);
    loop_.readable(timer);
  }
  void make(std::size_t max_viewers) {
    handler_ = std::make_unique<ConsoleHandler>(
        monitor_, log_, ConsoleSettings{max_viewers}, Content{kAssets, kPage, "b1"},
        Clocks{[this] { return std::chrono::steady_clock::time_point(now_); },
               [this] { return std::chrono::system_clock::time_point(now_); }});
  }
  void SetUp() override { make(16); }

  FakeMonitor monitor_;
  FakeLog log_;
  FakeLoop loop_;
  std::chrono::seconds now_{1000};
  std::unique_ptr<ConsoleHandler> handler_;
};

TEST_F(ConsoleHandlerTest, TakesGetAndNeverBlocks) {
  EXPECT_TRUE(handler_->methods().has(Method::kGet));
  EXPECT_FALSE(handler_->methods().has(Method::kPost));
  EXPECT_TRUE(handler_->never_blocks());
}

TEST_F(ConsoleHandlerTest, RedirectsToTheSlash) {
  EXPECT_EQ(get("")->status, 308);
  EXPECT_EQ(get("")->fields["Location"], "console/");
  FakeRequest deep("");
  deep.root_value = "admin/look";
  EXPECT_EQ(get(deep)->fields["Location"], "look/");
}

TEST_F(ConsoleHandlerTest, Page) {
  const Channel page = get("/");
  EXPECT_EQ(page->status, 200);
  EXPECT_EQ(page->type, "text/html; charset=utf-8");
  EXPECT_EQ(page->fields["Cache-Control"], "no-store");
  EXPECT_EQ(page->body,
            "<body data-mi=\"\" data-build=\"b1\">0 <tr class=\"none\"><td colspan=\"6\">none</td></tr>");
  monitor_.requests_value = {{"mi", "GET /<script>\"&'\xFF\x07", "a", "running", 0s, 1}};
  EXPECT_THAT(get("/")->body,
              HasSubstr("<td>GET /&lt;script&gt;&quot;&amp;&#39;\xEF\xBF\xBD\xEF\xBF\xBD</td>"));
}

TEST_F(ConsoleHandlerTest, PageKnowsTheManagementInterface) {
  monitor_.roots_value = {{"console", "console", "console", {}, {}},
                          {"json/rpc", "mi_http", "json_rpc", {}, {}},
                          {"mi", "mi_http", "mi", {}, {}}};
  EXPECT_THAT(get("/")->body, StartsWith("<body data-mi=\"../json/rpc\""));
  FakeRequest deep("/");
  deep.root_value = "a/b/c";
  EXPECT_THAT(get(deep)->body, StartsWith("<body data-mi=\"../../../json/rpc\""));
}

TEST_F(ConsoleHandlerTest, EveryReplyIsProtected) {
  start();
  FakeRequest known("/icon.svg");
  known.if_none_match = "*";
  std::vector<Channel> replies;
  for (const char* path : {"", "/", "/events", "/console.js", "/nothing"})
    replies.push_back(get(path));
  replies.push_back(get(known));
  make(1);
  start();
  const Channel first = get("/events");
  replies.push_back(get("/events"));
  std::string statuses;
  for (const Channel& reply : replies) {
    statuses += std::to_string(reply->status) + " ";
    EXPECT_EQ(reply->fields["Content-Security-Policy"],
              "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
              "base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    EXPECT_EQ(reply->fields["X-Content-Type-Options"], "nosniff");
    EXPECT_EQ(reply->fields["Referrer-Policy"], "no-referrer");
    EXPECT_EQ(reply->fields["Cross-Origin-Opener-Policy"], "same-origin");
    EXPECT_EQ(reply->fields["Cross-Origin-Resource-Policy"], "same-origin");
  }
  EXPECT_EQ(statuses, "308 200 200 200 404 304 503 ");
}

TEST_F(ConsoleHandlerTest, NothingElseIsThere) {
  for (const char* path :
       {"//", "/x", "/console.js/", "/events/", "/index.html", "/Console.js", "/console", "x"})
    EXPECT_EQ(get(path)->status, 404) << path;
}

TEST_F(ConsoleHandlerTest, Assets) {
  const Channel plain = get("/console.js");
  EXPECT_EQ(plain->status, 200);
  EXPECT_EQ(plain->type, "text/javascript; charset=utf-8");
  EXPECT_EQ(plain->body, "function long() {}");
  EXPECT_EQ(plain->fields["Cache-Control"], "no-cache");
  EXPECT_EQ(plain->fields["Vary"], "Accept-Encoding");
  EXPECT_EQ(plain->fields.count("Content-Encoding"), 0U);
  FakeRequest request("/console.js");
  request.gzip = true;
  const Channel packed = get(request);
  EXPECT_EQ(packed->body, "short");
  EXPECT_EQ(packed->fields["Content-Encoding"], "gzip");
  EXPECT_EQ(packed->fields["Vary"], "Accept-Encoding");
  EXPECT_NE(packed->fields["ETag"], plain->fields["ETag"]);
  request.path_value = "/icon.svg";
  const Channel unpacked = get(request);
  EXPECT_EQ(unpacked->body, "<svg/>") << "there is no packed one";
  EXPECT_EQ(unpacked->fields.count("Content-Encoding"), 0U);
}

TEST_F(ConsoleHandlerTest, AssetsAreNotSentAgain) {
  for (const bool gzip : {false, true}) {
    FakeRequest request("/console.js");
    request.gzip = gzip;
    const std::string tag = get(request)->fields["ETag"];
    request.if_none_match = "\"other\", W/" + tag;
    const Channel same = get(request);
    EXPECT_EQ(same->status, 304);
    EXPECT_EQ(same->body, "");
    EXPECT_EQ(same->fields["ETag"], tag);
    EXPECT_EQ(same->fields["Cache-Control"], "no-cache");
    EXPECT_EQ(same->fields["Vary"], "Accept-Encoding");
    EXPECT_EQ(same->fields.count("Content-Encoding"), 0U);
    request.gzip = !gzip;
    EXPECT_EQ(get(request)->status, 200) << "he has the other coding";
    request.if_none_match = "\"other\"";
    EXPECT_EQ(get(request)->status, 200);
  }
}

TEST_F(ConsoleHandlerTest, EventsBeginWithEverything) {
  start();
  monitor_.statistic("httpd:requests").total = 5;
  second();
  const Channel viewer = get("/events");
  EXPECT_EQ(viewer->type, "text/event-stream");
  const std::string text = viewer->read();
  EXPECT_THAT(text, StartsWith("event: hello\nretry: 1000\ndata: {\"build\":\"b1\"}\n\n"
                               "event: samples\ndata: [[1001.0,5.0,0.0,0.0,null,null,null]]\n\n"
                               "event: state\ndata: {"));
  const Json state = Json::parse(text.substr(text.rfind("data: ") + 6));
  EXPECT_EQ(state["numbers"]["httpd:requests/s"], "5.0");
  EXPECT_EQ(state["numbers"]["time"], "1970-01-01 00:16:41");
  EXPECT_EQ(state["tables"].size(), kTables);
}

TEST_F(ConsoleHandlerTest, ThenOnlyChangesOnceASecond) {
  start();
  const Channel viewer = get("/events");
  viewer->read();
  EXPECT_EQ(viewer->read(), "");
  second();
  EXPECT_EQ(viewer->read(),
            "event: samples\ndata: [[1001.0,0.0,0.0,0.0,null,null,null]]\n\n"
            "event: state\ndata: {\"numbers\":{\"time\":\"1970-01-01 00:16:41\"}}\n\n");
  monitor_.clients_value = {{"192.0.2.1", 4}};
  second();
  EXPECT_THAT(viewer->read(), HasSubstr("data: {\"numbers\":{\"time\":\"1970-01-01 00:16:42\"},"
                                        "\"tables\":{\"clients\":[[\"192.0.2.1\",\"4\"]]}}\n\n"));
}

TEST_F(ConsoleHandlerTest, OneSnapshotForAllViewers) {
  start();
  second();
  EXPECT_EQ(monitor_.looked_at, 0) << "nobody looks";
  EXPECT_EQ(monitor_.asked, 3) << "but samples are taken";
  const Channel one = get("/events");
  const Channel other = get("/events");
  EXPECT_EQ(monitor_.looked_at, 1);
  second();
  EXPECT_EQ(monitor_.looked_at, 2);
  one->read();
  other->read();
  second();
  EXPECT_EQ(one->read(), other->read());
  one->leave();
  other->leave();
  loop_.turn();
  second();
  EXPECT_EQ(monitor_.looked_at, 3);
  monitor_.clients_value = {{"192.0.2.1", 4}};
  const Channel third = get("/events");
  EXPECT_THAT(third->read(), HasSubstr("192.0.2.1")) << "an old state is not shown again";
}

TEST_F(ConsoleHandlerTest, SoManyViewersAndNoMore) {
  make(2);
  start();
  const Channel one = get("/events");
  const Channel other = get("/events");
  for (int i = 0; i < 3; ++i) {
    const Channel refused = get("/events");
    EXPECT_EQ(refused->status, 503);
    EXPECT_EQ(refused->fields["Retry-After"], "10");
    EXPECT_THAT(refused->body, HasSubstr("max_viewers"));
  }
  constexpr const char* kRest =
      " more event stream(s), since 2 are open: answered with 503; parameter max_viewers of module console "
      "moves this limit\n";
  EXPECT_EQ(log_.text(), std::string("console: no place for 1") + kRest) << "once in a while";
  now_ += 60s;
  get("/events");
  EXPECT_EQ(log_.text(), std::string("console: no place for 1") + kRest + "console: no place for 3" + kRest);
  EXPECT_EQ(get("/")->status, 200) << "the page is there all the same";
  one->leave();
  EXPECT_EQ(get("/events")->status, 200);
}

TEST_F(ConsoleHandlerTest, WhoDoesNotReadHarmsNobody) {
  start();
  const Channel idle = get("/events");
  const Channel reader = get("/events");
  reader->read();
  for (int i = 0; log_.text().empty() && i < 1000; ++i) {
    monitor_.requests_value.assign(kMostRows,
                                   {"mi", std::string(200, 'x'), std::to_string(i), "kept", 0s, 1});
    second();
    ASSERT_THAT(reader->read(), HasSubstr("\"" + std::to_string(i) + "\""));
  }
  EXPECT_EQ(log_.text(), "console: the event stream of a page that does not read was ended\n");
  idle->read();
  EXPECT_EQ(idle->ended, BodySource::kBroken);
  EXPECT_EQ(reader->ended, BodySource::kWait);
}

TEST_F(ConsoleHandlerTest, AllTablesFullOfTheLongestTexts) {
  start();
  const std::string text(10'000, '\xFF');
  monitor_.roots_value.assign(1000, {"r", text, "r", {}, {}});
  monitor_.requests_value.assign(1000, {text, text, text, "running", 0s, 1});
  monitor_.workers_value.assign(1000, {1, 1, text, 0s});
  monitor_.clients_value.assign(1000, {text, 1});
  monitor_.certificates_value.assign(1000, {text, text, text, 0});
  monitor_.refusals_value.assign(Monitor::kRefusals, {{}, text, text, 400, "r", "p", "s"});
  for (std::size_t i = 0; i < History::kSize; ++i)
    second();
  const Channel viewer = get("/events");
  const std::string all = viewer->read();
  EXPECT_EQ(viewer->ended, BodySource::kWait);
  EXPECT_GT(all.size(), Viewers::kBuffer / 2) << "a test of the limit is near it";
  EXPECT_LT(all.size(), Viewers::kBuffer);
}

TEST_F(ConsoleHandlerTest, HeadOfEventsIsNoViewer) {
  make(1);
  start();
  FakeRequest head("/events");
  head.head = true;
  const Channel one = get(head);
  one->leave();
  EXPECT_EQ(get("/events")->status, 200);
}

TEST_F(ConsoleHandlerTest, EndsWithTheServer) {
  start();
  const Channel viewer = get("/events");
  viewer->read();
  monitor_.draining = true;
  second();
  viewer->read();
  EXPECT_EQ(viewer->ended, BodySource::kEnd);
  const Channel again = get("/events");
  EXPECT_THAT(again->read(), HasSubstr("event: state\n")) << "who comes again still sees something";
  EXPECT_EQ(again->ended, BodySource::kEnd);
  EXPECT_EQ(get("/")->status, 200);
  monitor_.draining = false;
  EXPECT_EQ(get("/events")->status, 200);
}

TEST_F(ConsoleHandlerTest, ASecondWithoutMemoryIsNotTheLast) {
  start();
  const Channel viewer = get("/events");
  viewer->read();
  monitor_.out_of_memory = true;
  second();
  second();
  EXPECT_EQ(viewer->read(), "");
  EXPECT_THROW(get("/"), std::bad_alloc);
  EXPECT_EQ(log_.text(), "console: no memory to look at the server; pages miss a moment\n") << "once";
  monitor_.out_of_memory = false;
  monitor_.statistic("httpd:requests").total = 6;
  second();
  EXPECT_THAT(viewer->read(), StartsWith("event: samples\ndata: [[1003.0,2.0,")) << "of all three seconds";
  monitor_.out_of_memory = true;
  second();
  EXPECT_EQ(std::ranges::count(log_.text(), '\n'), 2) << "another time";
}

TEST_F(ConsoleHandlerTest, AnyAllocationOfASecondMayFail) {
  bool failed = true;
  int count = 0;
  for (; failed; ++count) {
    make(16);
    start();
    Channel viewer = get("/events");
    viewer->read();
    monitor_.statistic("httpd:requests").total += 6;
    monitor_.clients_value = {{"client of this round " + std::to_string(count), 1}};
    fail_allocation_after(count);
    second();
    failed = allocation_has_failed();
    second();
    std::string text = viewer->read();
    if (viewer->ended == BodySource::kEnd) {
      viewer = get("/events");
      text = viewer->read();
    }
    ASSERT_EQ(viewer->ended, BodySource::kWait) << count;
    ASSERT_THAT(text, HasSubstr(monitor_.clients_value[0].address)) << count;
    // In one second or in two, whenever it was seen.
    const bool one = text.find(".0,6.0,0.0,0.0,") != std::string::npos;
    const bool two = text.find(".0,3.0,0.0,0.0,") != std::string::npos;
    ASSERT_TRUE(one || two) << count << text;
  }
  EXPECT_GT(count, 20);
}

TEST_F(ConsoleHandlerTest, AnyAllocationOfANewViewerMayFail) {
  bool failed = true;
  int count = 0;
  for (; failed; ++count) {
    make(1);
    start();
    const FakeRequest request("/events");
    FakeChannel channel;
    fail_allocation_after(count);
    try {
      handler_->handle(request, Reply(channel));
    } catch (const std::bad_alloc&) {
      if (channel.finished == 0) {
        ASSERT_TRUE(channel.abandoned) << count;
      } else {
        channel.read();
        ASSERT_EQ(channel.ended, BodySource::kEnd) << count;
      }
    }
    failed = allocation_has_failed();
    channel.leave();
    const Channel next = get("/events");
    ASSERT_EQ(next->status, 200) << count;
    ASSERT_THAT(next->read(), HasSubstr("event: state\n")) << count;
  }
  EXPECT_GT(count, 20);
}

TEST_F(ConsoleHandlerTest, DrainsWithoutMemory) {
  start();
  const Channel viewer = get("/events");
  monitor_.draining = monitor_.out_of_memory = true;
  second();
  viewer->read();
  EXPECT_EQ(viewer->ended, BodySource::kEnd);
}

TEST_F(ConsoleHandlerTest, WithoutAProcessOfItsOwn) {
  EXPECT_EQ(get("/events")->status, 503);
  EXPECT_EQ(get("/")->status, 200);
  EXPECT_EQ(get("/console.js")->status, 200);
}

TEST_F(ConsoleHandlerTest, PageWithUnknownNamesIsNotServed) {
  EXPECT_THROW(ConsoleHandler(monitor_, log_, {}, {kAssets, "{{number httpd:open_connections/s}}", ""}),
               ConfigError);
  EXPECT_NO_THROW(ConsoleHandler(monitor_, log_, {}, {kAssets, "{{number httpd:open_connections}}", ""}));
}

TEST_F(ConsoleHandlerTest, LeavesNothingInTheLoop) {
  start();
  const Channel viewer = get("/events");
  second();
  handler_.reset();
  viewer->read();
  EXPECT_EQ(viewer->ended, BodySource::kEnd);
  EXPECT_EQ(loop_.size(), 0U);
}

}  // namespace
}  // namespace httpd::console
