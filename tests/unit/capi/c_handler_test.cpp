// SPDX-License-Identifier: GPL-2.0-or-later
#include "capi/c_handler.h"

#include <cstring>
#include <functional>
#include <gmock/gmock.h>
#include <string>

#include "capi/c_api.h"
#include "fakes.h"

namespace httpd::capi {
namespace {

/// The callbacks have no argument of their own that a test could use, hence these.
struct Call {
  std::string url, method, version, upload;
  bool had_upload = false;
  bool con_cls_was_null = false;
  sockaddr_union client{};
};
Call seen;
std::function<int(void* connection, str* buffer, str* page)> answer;
std::vector<std::string> pieces;
int inits = 0;

int access_callback(void* /*cls*/, void* connection, const char* url, const char* method, const char* version,
                    const char* upload_data, std::size_t upload_data_size, void** con_cls, str* buffer,
                    str* page, sockaddr_union* cl_socket) {
  seen = {url, method, version, {}, upload_data != nullptr, *con_cls == nullptr, *cl_socket};
  if (upload_data != nullptr) {
    seen.upload.assign(upload_data, upload_data_size);
    EXPECT_EQ(upload_data[upload_data_size], '\0');
  } else {
    EXPECT_EQ(upload_data_size, 0U);
  }
  return answer(connection, buffer, page);
}

ssize_t flush_end = -1;

ssize_t flush_callback(void* /*cls*/, std::uint64_t /*pos*/, char* buffer, std::size_t max) {
  if (pieces.empty()) return flush_end;
  const std::string piece = pieces.front();
  pieces.erase(pieces.begin());
  EXPECT_LE(piece.size(), max);
  std::memcpy(buffer, piece.data(), piece.size());
  return static_cast<ssize_t>(piece.size());
}

class CHandlerTest : public ::testing::Test {
 protected:
  explicit CHandlerTest(bool hands_on = false)
      : api([](auto, auto, auto) {}, {.buf_size = 100'000, .keep_ready = 50'000, .hands_on = hands_on}, log) {
    answer = [](void*, str*, str*) { return 200; };
    pieces.clear();
  }
  FakeChannel handle(const FakeRequest& request, HTTPD_CONTENT_TYPE type = HTTPD_TEXT_PLAIN_TYPE) {
    FakeChannel channel;
    CHandler handler(api, access_callback, flush_callback, type, nullptr);
    handler.handle(request, Reply(channel));
    EXPECT_TRUE(channel.finished);
    return channel;
  }
  FakeLog log;
  CApi api;
};

class CHandlerOfWorkerTest : public CHandlerTest {
 protected:
  CHandlerOfWorkerTest() : CHandlerTest(true) {}
};

TEST_F(CHandlerTest, PassesTheRequestOn) {
  FakeRequest request;
  request.method_value = Method::kPost;
  request.path_value = "/sub";
  request.type = "application/json";
  request.body_value = "{}";
  handle(request);
  EXPECT_EQ(seen.url, "/sub");
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.version, "HTTP/1.1");
  EXPECT_EQ(seen.upload, "{}");
  EXPECT_TRUE(seen.con_cls_was_null);
  EXPECT_EQ(ntohs(seen.client.sin.sin_port), 4711);
}

TEST_F(CHandlerTest, TheObserverStandsAroundTheCall) {
  struct Observer final : CallObserver {
    std::vector<std::string> calls;
    void entering(const char* path) noexcept override { calls.push_back(std::string("entering ") + path); }
    void left(int status) noexcept override { calls.push_back("left " + std::to_string(status)); }
  } observer;
  CApi observed([](auto, auto, auto) {}, {.buf_size = 100'000, .keep_ready = 4096, .observer = &observer},
                log);
  CHandler handler(observed, access_callback, flush_callback, HTTPD_TEXT_PLAIN_TYPE, nullptr);
  answer = [&observer](void*, str*, str*) {
    EXPECT_THAT(observer.calls, ::testing::ElementsAre("entering /sub"));
    return 404;
  };
  FakeRequest request;
  request.path_value = "/sub";
  FakeChannel channel;
  handler.handle(request, Reply(channel));
  EXPECT_THAT(observer.calls, ::testing::ElementsAre("entering /sub", "left 404"));
}

TEST_F(CHandlerTest, AFormIsNoUpload) {
  FakeRequest request;
  request.method_value = Method::kPost;
  request.type = "application/x-www-form-urlencoded";
  request.body_value = "a=b";
  handle(request);
  EXPECT_FALSE(seen.had_upload);
}

TEST_F(CHandlerTest, RefusesOtherMediaTypesWith415) {
  FakeRequest request;
  request.method_value = Method::kPost;
  request.body_value = "x";
  answer = [](void*, str*, str*) {
    ADD_FAILURE() << "must not be called";
    return 200;
  };
  for (const char* const type : {"", "application/octet-stream", "image/png", "application/jsonx"}) {
    request.type = type;
    EXPECT_EQ(handle(request).status, 415) << type;
  }
  answer = [](void*, str*, str*) { return 200; };
  for (const char* const type : {"application/json", "text/xml", "application/xml", "text/plain",
                                 "application/soap+xml", "application/problem+json", "multipart/form-data"}) {
    request.type = type;
    EXPECT_EQ(handle(request).status, 200) << type;
  }
  request.type = "";
  request.body_value = "";
  EXPECT_EQ(handle(request).status, 200) << "without a body there is no type to refuse";
}

TEST_F(CHandlerTest, AHostMayKeepOutTheTextThatBrowsersSendUnasked) {
  CApi strict([](auto, auto, auto) {}, {.buf_size = 100'000, .keep_ready = 4096, .takes_text = false}, log);
  CHandler handler(strict, access_callback, flush_callback, HTTPD_TEXT_PLAIN_TYPE, nullptr);
  const auto status = [&handler](const char* type) {
    FakeRequest request;
    request.method_value = Method::kPost;
    request.body_value = "{}";
    request.type = type;
    FakeChannel channel;
    handler.handle(request, Reply(channel));
    return channel.status;
  };
  for (const char* const type : {"text/plain", "text/html", "text/", "text/xmlx", "text/json", ""})
    EXPECT_EQ(status(type), 415) << type;
  for (const char* const type : {"text/xml", "application/json", "application/xml", "application/soap+xml",
                                 "application/x-www-form-urlencoded"})
    EXPECT_EQ(status(type), 200) << type;
}

TEST_F(CHandlerTest, SendsPagesFromTheBufferAndFromElsewhere) {
  answer = [](void*, str* buffer, str* page) {
    EXPECT_EQ(buffer->len, 100'000);
    std::memcpy(buffer->s, "printed", 7);
    *page = {buffer->s, 7};
    return 201;
  };
  const FakeChannel small = handle({});
  EXPECT_EQ(small.body, "printed");
  EXPECT_EQ(small.status, 201);
  EXPECT_FALSE(small.lent);

  answer = [](void*, str* buffer, str* page) {
    std::memset(buffer->s, 'x', 100'000);
    *page = {buffer->s, 100'000};
    return 200;
  };
  const FakeChannel large = handle({});
  EXPECT_EQ(large.body, std::string(100'000, 'x'));
  EXPECT_TRUE(large.lent) << "not copied";

  answer = [](void*, str* buffer, str* page) {
    std::memset(buffer->s, 'y', 100'000);
    *page = {buffer->s + 10, 50'000};
    return 200;
  };
  const FakeChannel medium = handle({});
  EXPECT_EQ(medium.body, std::string(50'000, 'y'));
  EXPECT_TRUE(medium.lent) << "not copied";

  static char elsewhere[] = "static";
  answer = [](void*, str*, str* page) {
    *page = {elsewhere, 6};
    return 200;
  };
  EXPECT_EQ(handle({}).body, "static");
}

TEST_F(CHandlerOfWorkerTest, SendsLargePagesAsFiles) {
  answer = [](void*, str* buffer, str* page) {
    std::memset(buffer->s, 'x', 100'000);
    *page = {buffer->s, 100'000};
    return 200;
  };
  const FakeChannel large = handle({});
  EXPECT_EQ(large.body, std::string(100'000, 'x'));
  EXPECT_TRUE(large.file) << "not copied, and not in this process's memory any more";

  answer = [](void*, str* buffer, str* page) {
    std::memset(buffer->s, 'y', 100'000);
    *page = {buffer->s + 10, 50'000};
    return 200;
  };
  EXPECT_TRUE(handle({}).lent) << "short enough to have its memory kept";
}

TEST_F(CHandlerTest, APageThatDoesNotFitIsA500ThatNamesTheParameter) {
  answer = [](void*, str* buffer, str* page) {
    *page = {buffer->s, buffer->len + 1};
    return 200;
  };
  EXPECT_EQ(handle({}).status, 500);
  EXPECT_TRUE(log.contains("buf_size"));
  answer = [](void*, str* buffer, str* page) {
    *page = {buffer->s, -1};
    return 200;
  };
  EXPECT_EQ(handle({}).status, 500);
}

TEST_F(CHandlerTest, AHandlerThatCouldNotPrintLeavesAHint) {
  static char text[] = "Internal server error!";
  for (const bool with_page : {false, true}) {
    log.text.clear();
    answer = [with_page](void*, str*, str* page) {
      if (with_page) *page = {text, 22};
      return 500;
    };
    EXPECT_EQ(handle({}).status, 500);
    EXPECT_TRUE(log.contains("raise parameter buf_size (now 100000)")) << with_page;
  }
  log.text.clear();
  answer = [](void*, str*, str* page) {
    *page = {text, 22};
    return 404;
  };
  EXPECT_EQ(handle({}).status, 404);
  EXPECT_EQ(log.text, "");
}

TEST_F(CHandlerTest, ANullPageIsFlushed) {
  pieces = {"one ", "two"};
  FakeChannel channel = handle({});
  ASSERT_NE(channel.source, nullptr);
  char buffer[100];
  EXPECT_EQ(channel.source->read(0, buffer, sizeof buffer), 4);
  EXPECT_EQ(channel.source->read(4, buffer, sizeof buffer), 3);
  EXPECT_EQ(channel.source->read(7, buffer, sizeof buffer), BodySource::kEnd);
  for (const ssize_t broken : {-2, -3, -4, -1000}) {
    flush_end = broken;
    EXPECT_EQ(channel.source->read(7, buffer, sizeof buffer), BodySource::kBroken) << broken;
  }
  flush_end = -1;
}

TEST_F(CHandlerTest, AStatusThatIsNoneIsA500) {
  for (const int status : {0, -1, 100, 199, 600}) {
    answer = [status](void*, str*, str*) { return status; };
    EXPECT_EQ(handle({}).status, 500) << status;
  }
  EXPECT_TRUE(log.contains("returned the status 600"));
}

TEST_F(CHandlerTest, ContentTypesAreThoseOfTheStockModule) {
  EXPECT_EQ(handle({}, HTTPD_UNKNOWN_CNT_TYPE).type, "text/html");
  EXPECT_EQ(handle({}, HTTPD_STD_CNT_TYPE).type, "text/html");
  EXPECT_EQ(handle({}, HTTPD_TEXT_HTML_TYPE).type, "text/html");
  EXPECT_EQ(handle({}, HTTPD_TEXT_XML_CNT_TYPE).type, "text/xml; charset=utf-8");
  EXPECT_EQ(handle({}, HTTPD_APPLICATION_JSON_CNT_TYPE).type, "application/json");
  EXPECT_EQ(handle({}, HTTPD_TEXT_PLAIN_TYPE).type, "text/plain");
  EXPECT_EQ(handle({}, HTTPD_TEXT_PLAIN_PROMETHEUS_TYPE).type, "text/plain; version=0.0.4");
  static_assert(HTTPD_UNKNOWN_CNT_TYPE == -1 && HTTPD_STD_CNT_TYPE == 0 &&
                HTTPD_TEXT_PLAIN_PROMETHEUS_TYPE == 5);
}

TEST_F(CHandlerTest, LooksUpArgumentsAndTheRawBody) {
  const CApi::Current current(api);
  httpd_api_t bound{};
  ASSERT_EQ(httpd_bind(&bound), 0);
  FakeRequest request;
  request.method_value = Method::kPost;
  request.type = "text/xml";
  request.body_value = "<xml/>";
  request.arguments["key"] = "value";
  answer = [&](void* connection, str*, str*) {
    str value{};
    bound.lookup_arg(connection, "key", nullptr, &value);
    EXPECT_EQ(std::string(value.s, static_cast<std::size_t>(value.len)), "value");
    bound.lookup_arg(connection, "1", nullptr, &value);
    EXPECT_EQ(std::string(value.s, static_cast<std::size_t>(value.len)), "<xml/>");
    bound.lookup_arg(connection, "absent", nullptr, &value);
    EXPECT_EQ(value.s, nullptr);
    EXPECT_EQ(value.len, 0);
    bound.lookup_arg(connection, "key", nullptr, nullptr);
    return 200;
  };
  handle(request);
}

TEST_F(CHandlerTest, TellsTheServersAddressWithItsPortInHostOrder) {
  const CApi::Current current(api);
  httpd_api_t bound{};
  ASSERT_EQ(httpd_bind(&bound), 0);
  const sockaddr_union* const info = bound.get_server_info();
  handle({});
  EXPECT_EQ(info->sin.sin_port, 8888);
  EXPECT_EQ(bound.get_server_info(), info);
}

TEST_F(CHandlerTest, InitRunsOnceAProcess) {
  inits = 0;
  CHandler handler(api, access_callback, flush_callback, HTTPD_STD_CNT_TYPE, [] { ++inits; });
  struct NoLoop final : Loop {
    std::unique_ptr<Subscription> after(std::chrono::milliseconds /*delay*/,
                                        std::function<void()> /*f*/) override {
      return nullptr;
    }
    std::unique_ptr<Subscription> watch(int /*fd*/, std::function<void()> /*f*/) override { return nullptr; }
  } loop;
  handler.init_process(loop);
  EXPECT_EQ(inits, 1);
  CHandler without(api, access_callback, flush_callback, HTTPD_STD_CNT_TYPE, nullptr);
  without.init_process(loop);
}

}  // namespace
}  // namespace httpd::capi
