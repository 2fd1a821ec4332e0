// The engine as the module's C side sees it: here the test is OpenSIPS.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "opensips/border.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <gmock/gmock.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <httpd/httpd_load.h>

#include "net/unique_fd.h"

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// What the host was told.
struct Told {
  std::string log;
  std::vector<std::string> calls;
};
Told told;

int log_enabled(int level) {
  return level <= 3 ? 1 : 0;
}
void write_log(int /*level*/, const char* line, std::size_t size) {
  told.log.append(line, size).push_back('\n');
}
void handler_entered(const char* path) {
  told.calls.push_back(std::string("entered ") + path);
}
void handler_left(int status) {
  told.calls.push_back("left " + std::to_string(status));
}
constexpr httpd_host kHost{"127.0.0.1", 0, 60, log_enabled, write_log, handler_entered, handler_left};

std::string reply_text = "hello";
int init_calls = 0;
httpd_engine* finish_inside = nullptr;

int access_callback(void* /*cls*/, void* /*connection*/, const char* /*url*/, const char* /*method*/,
                    const char* /*version*/, const char* /*upload*/, std::size_t /*size*/, void** /*con_cls*/,
                    str* buffer, str* page, sockaddr_union* /*client*/) {
  if (finish_inside != nullptr) httpd_engine_finish(finish_inside, 1000);
  std::memcpy(buffer->s, reply_text.data(), reply_text.size());
  *page = {buffer->s, static_cast<int>(reply_text.size())};
  return 200;
}
ssize_t flush_callback(void* /*cls*/, std::uint64_t /*pos*/, char* /*buffer*/, std::size_t /*max*/) {
  return -1;
}

class BorderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    told = {};
    reply_text = "hello";
    init_calls = 0;
    finish_inside = nullptr;
    char name[] = "/tmp/httpd-border-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder = name;
    engine = httpd_engine_create(&kHost);
    ASSERT_NE(engine, nullptr);
  }
  void TearDown() override {
    httpd_engine_destroy(engine);
    EXPECT_TRUE(std::filesystem::is_empty(folder)) << "the socket's file goes with the engine";
    std::filesystem::remove_all(folder);
  }
  [[nodiscard]] std::string path() const { return folder + "/http.sock"; }

  int add_root(const char* module, const char* root) {
    httpd_api_t api{};
    EXPECT_EQ(httpd_bind(&api), 0);
    names.push_back(std::make_unique<std::string>(root));
    strs.push_back(std::make_unique<str>(str{names.back()->data(), static_cast<int>(names.back()->size())}));
    return api.register_httpdcb(module, strs.back().get(), access_callback, flush_callback,
                                HTTPD_TEXT_PLAIN_TYPE, [] { ++init_calls; });
  }
  /// Everything up to where the HTTPD process serves.
  void start() {
    ASSERT_EQ(httpd_engine_set_string(engine, "listen", ("unix:" + path()).c_str()), 0) << told.log;
    ASSERT_EQ(httpd_engine_accept_modules(engine, 1 << 20), 0) << told.log;
    ASSERT_EQ(httpd_engine_open(engine), 0) << told.log;
    ASSERT_EQ(add_root("mi_http", "mi"), 0) << told.log;
    ASSERT_EQ(add_root("prometheus", "metrics"), 0) << told.log;
    ASSERT_EQ(httpd_engine_check_modules(engine), 0) << told.log;
    descriptor = httpd_engine_serve(engine);
    ASSERT_GE(descriptor, 0) << told.log;
  }
  httpd::net::UniqueFd connect() const {
    httpd::net::UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path().copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return client;
  }
  static void send(const httpd::net::UniqueFd& client, std::string_view text) {
    EXPECT_EQ(::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  /// Works as a host's reactor does, until `client` has received `end`.
  std::string receive(const httpd::net::UniqueFd& client, std::string_view end) const {
    std::string got;
    for (int turns = 0; turns < 5000 && got.find(end) == std::string::npos; ++turns) {
      pollfd waiting{descriptor, POLLIN, 0};
      if (::poll(&waiting, 1, 1) > 0) httpd_engine_run(engine);
      std::array<char, 4096> bytes{};
      const ssize_t count = ::recv(client.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (count > 0) got.append(bytes.data(), static_cast<std::size_t>(count));
    }
    return got;
  }

  httpd_engine* engine = nullptr;
  std::string folder;
  int descriptor = -1;
  std::vector<std::unique_ptr<std::string>> names;
  std::vector<std::unique_ptr<str>> strs;
};

TEST_F(BorderTest, ParametersAreCheckedOneByOne) {
  EXPECT_EQ(httpd_engine_set_integer(engine, "port", 8080), 0);
  EXPECT_EQ(told.log, "");
  EXPECT_EQ(httpd_engine_set_integer(engine, "port", 0), -1);
  EXPECT_THAT(told.log, HasSubstr("parameter \"port\": value 0 is out of range: 1 to 65535"));
  EXPECT_EQ(httpd_engine_set_string(engine, "port", "8080"), -1) << "of another type";
  EXPECT_EQ(httpd_engine_set_string(engine, "no_such", "x"), -1);
  EXPECT_THAT(told.log, HasSubstr("parameter \"no_such\": there is no such parameter"));
  EXPECT_EQ(httpd_engine_set_string(engine, "ip", nullptr), -1);
}

TEST_F(BorderTest, TheDefaultAddressIsTheHosts) {
  int port = 20000 + ::getpid() % 10000;
  for (int attempt = 0; attempt < 20; ++attempt, ++port) {  // somebody else may have a port
    told = {};
    ASSERT_EQ(httpd_engine_set_integer(engine, "port", port), 0);
    if (httpd_engine_open(engine) == 0) break;
  }
  EXPECT_EQ(httpd_engine_addresses(engine), "127.0.0.1:" + std::to_string(port));
  EXPECT_EQ(told.log, "") << "nobody from outside can come";
}

TEST_F(BorderTest, TheAddressesFitTheNameOfAProcess) {
  const std::string first = folder + "/1";  // of 26 bytes
  for (const char* const name : {"/1", "/2"})
    ASSERT_EQ(httpd_engine_set_string(engine, "listen", ("unix:" + folder + name).c_str()), 0);
  ASSERT_EQ(httpd_engine_open(engine), 0) << told.log;
  EXPECT_EQ(httpd_engine_addresses(engine), first + ", " + folder + "/2");
  httpd_engine_destroy(engine);
  engine = httpd_engine_create(&kHost);
  for (const char* const name : {"/1", "/2", "/3"})
    ASSERT_EQ(httpd_engine_set_string(engine, "listen", ("unix:" + folder + name).c_str()), 0);
  ASSERT_EQ(httpd_engine_open(engine), 0) << told.log;
  EXPECT_EQ(httpd_engine_addresses(engine), first + " and 2 more");
}

TEST_F(BorderTest, AnAddressThatIsTakenRefusesTheStart) {
  ASSERT_EQ(httpd_engine_set_string(engine, "listen", ("unix:" + folder + "/missing/http.sock").c_str()), 0);
  EXPECT_EQ(httpd_engine_open(engine), -1);
  EXPECT_THAT(told.log, HasSubstr("/missing"));
}

TEST_F(BorderTest, ServesThroughOneDescriptor) {
  start();
  EXPECT_EQ(init_calls, 2);
  EXPECT_THAT(told.log, HasSubstr("root paths: /mi, /metrics"));
  const auto client = connect();
  send(client, "GET /mi/some/path HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(receive(client, "hello"), HasSubstr("HTTP/1.1 200 OK"));
  EXPECT_THAT(told.calls, ElementsAre("entered /some/path", "left 200"));
}

TEST_F(BorderTest, RootsAreListedNewestFirst) {
  start();
  const char* root = nullptr;
  const char* module = nullptr;
  ASSERT_EQ(httpd_engine_root(engine, 0, &root, &module), 0);
  EXPECT_STREQ(root, "metrics");
  EXPECT_STREQ(module, "prometheus");
  ASSERT_EQ(httpd_engine_root(engine, 1, &root, &module), 0);
  EXPECT_STREQ(root, "mi");
  EXPECT_EQ(httpd_engine_root(engine, 2, &root, &module), -1);
}

TEST_F(BorderTest, ARegistrationThatFailedRefusesTheStart) {
  ASSERT_EQ(httpd_engine_accept_modules(engine, 1 << 20), 0);
  ASSERT_EQ(httpd_engine_accept_modules(engine, 1 << 20), 0) << "once more does nothing";
  EXPECT_EQ(add_root("mi_http", "mi"), 0);
  EXPECT_EQ(httpd_engine_check_modules(engine), 0);
  EXPECT_EQ(add_root("mi_html", "mi"), -1);
  EXPECT_EQ(httpd_engine_check_modules(engine), -1);
  EXPECT_THAT(told.log, HasSubstr("mi_html"));
}

TEST_F(BorderTest, StatisticsAreSeenByEveryProcess) {
  start();
  const pid_t httpd_process = ::fork();
  if (httpd_process == 0) {
    const auto client = connect();
    send(client, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    ::_exit(receive(client, "hello").empty() ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(httpd_process, &status, 0), httpd_process);
  ASSERT_EQ(status, 0);
  bool found = false;
  bool of_root = false;
  std::size_t index = 0;
  for (const char* name = nullptr; (name = httpd_engine_statistic_name(engine, index)) != nullptr; ++index)
    if (std::strcmp(name, "requests") == 0) {
      found = true;
      EXPECT_EQ(httpd_engine_statistic(engine, index), 1U);
    } else if (std::strcmp(name, "requests_metrics_get_2xx") == 0) {
      of_root = true;
      EXPECT_EQ(httpd_engine_statistic(engine, index), 1U);
    }
  EXPECT_TRUE(found);
  EXPECT_TRUE(of_root);
}

/// OpenSIPS has processes before it knows all roots.
TEST_F(BorderTest, StatisticsOfRootsAreSeenByProcessesThatWereThereBefore) {
  ASSERT_EQ(httpd_engine_set_string(engine, "listen", ("unix:" + path()).c_str()), 0) << told.log;
  ASSERT_EQ(httpd_engine_accept_modules(engine, 1 << 20), 0) << told.log;
  ASSERT_EQ(httpd_engine_open(engine), 0) << told.log;
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  const pid_t early = ::fork();
  if (early == 0) {
    std::size_t index = 0;
    const bool told_index = ::read(pipe[0], &index, sizeof index) == static_cast<ssize_t>(sizeof index);
    ::_exit(told_index && httpd_engine_statistic(engine, index) == 1 ? 0 : 1);
  }
  ASSERT_EQ(add_root("prometheus", "metrics"), 0) << told.log;
  ASSERT_EQ(httpd_engine_check_modules(engine), 0) << told.log;
  descriptor = httpd_engine_serve(engine);
  ASSERT_GE(descriptor, 0) << told.log;
  const auto client = connect();
  send(client, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  ASSERT_FALSE(receive(client, "hello").empty());
  std::size_t index = 0;
  while (std::strcmp(httpd_engine_statistic_name(engine, index), "requests_metrics_get_2xx") != 0)
    ++index;
  ASSERT_EQ(::write(pipe[1], &index, sizeof index), static_cast<ssize_t>(sizeof index));
  int status = -1;
  ASSERT_EQ(::waitpid(early, &status, 0), early);
  EXPECT_EQ(status, 0);
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_F(BorderTest, RepliesInProgressAreFinishedAtTheEnd) {
  start();
  reply_text.assign(std::size_t{3} << 20U, 'x');  // more than a socket takes at once
  reply_text += "the end";
  const auto client = connect();
  send(client, "GET /mi HTTP/1.1\r\nHost: x\r\n\r\n");
  for (int turns = 0; turns < 1000 && told.calls.empty(); ++turns)
    httpd_engine_run(engine);
  std::string got;
  std::thread reader([&] {
    std::array<char, 65536> bytes{};
    for (ssize_t count = 0; (count = ::recv(client.get(), bytes.data(), bytes.size(), 0)) > 0;)
      got.append(bytes.data(), static_cast<std::size_t>(count));
  });
  httpd_engine_finish(engine, 10'000);
  reader.join();
  EXPECT_TRUE(got.ends_with("the end"));
  EXPECT_THAT(told.log, ::testing::Not(HasSubstr("were cut")));
}

TEST_F(BorderTest, AClientThatDoesNotReadDelaysTheEndNoLongerThanAllowed) {
  start();
  reply_text.assign(std::size_t{3} << 20U, 'x');
  const auto client = connect();
  send(client, "GET /mi HTTP/1.1\r\nHost: x\r\n\r\n");
  for (int turns = 0; turns < 1000 && told.calls.empty(); ++turns)
    httpd_engine_run(engine);
  const auto begin = std::chrono::steady_clock::now();
  httpd_engine_finish(engine, 200);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_THAT(told.log, HasSubstr("connections cut because they did not finish in 0 s: 1"));
  httpd_engine_finish(engine, 200);  // a second time does nothing
}

TEST_F(BorderTest, NothingIsFinishedFromInsideAHandler) {
  start();
  finish_inside = engine;
  const auto client = connect();
  send(client, "GET /mi HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(receive(client, "hello"), HasSubstr("200 OK"));
}

TEST_F(BorderTest, ACopyOfTheProcessFinishesNothing) {
  start();
  const auto client = connect();
  send(client, "GET /mi HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(receive(client, "hello"), HasSubstr("200 OK"));
  const pid_t copy = ::fork();
  if (copy == 0) {  // a command whose program could not be started
    httpd_engine_finish(engine, 1000);
    ::_exit(0);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(copy, &status, 0), copy);
  ASSERT_EQ(status, 0);
  send(client, "GET /mi HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(receive(client, "hello"), HasSubstr("200 OK"));
  const auto other = connect();
  send(other, "GET /mi HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(receive(other, "hello"), HasSubstr("200 OK")) << "the listener is still watched";
}

TEST_F(BorderTest, NoHandlerIsCalledAtTheEnd) {
  start();
  const auto client = connect();
  send(client, "GET /mi HTTP/1.1\r\nHost: x\r\n\r\n");
  receive(client, "hello");
  told.calls.clear();
  send(client, "GET /mi HTTP/1.1\r\nHost: x\r\n\r\n");  // arrived, but not seen yet
  std::thread reader([&] {
    std::array<char, 4096> bytes{};
    std::string got;
    for (ssize_t count = 0; (count = ::recv(client.get(), bytes.data(), bytes.size(), 0)) > 0;)
      got.append(bytes.data(), static_cast<std::size_t>(count));
    EXPECT_THAT(got, HasSubstr("HTTP/1.1 503 "));
    ::shutdown(client.get(), SHUT_RDWR);
  });
  httpd_engine_finish(engine, 10'000);
  reader.join();
  EXPECT_THAT(told.calls, ::testing::IsEmpty());
}

TEST_F(BorderTest, TextThatBrowsersSendUnaskedReachesNoHandler) {
  start();
  const auto client = connect();
  send(client, "POST /mi HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}");
  EXPECT_THAT(receive(client, "Send JSON"), HasSubstr("HTTP/1.1 415 "));
  EXPECT_THAT(told.calls, ::testing::IsEmpty());
}

TEST_F(BorderTest, NothingIsFinishedWhereNothingIsServed) {
  httpd_engine_finish(engine, 1000);
}

TEST_F(BorderTest, OtherProcessesLeaveTheSocketsAndNotTheirFiles) {
  start();
  const pid_t other = ::fork();
  if (other == 0) {
    httpd_engine_leave_sockets(engine);
    httpd_engine_destroy(engine);
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(other, nullptr, 0), other);
  const auto client = connect();
  send(client, "GET /mi HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(receive(client, "hello"), HasSubstr("200 OK"));
}

TEST_F(BorderTest, AReloadWithoutTlsSaysSo) {
  start();
  std::array<char, 20> text{};
  EXPECT_EQ(httpd_engine_reload_tls(engine, text.data(), text.size()), -1);
  EXPECT_STREQ(text.data(), "there are no TLS fi") << "cut to the size given";
}

}  // namespace
