// Tests of the MI FIFO process: a server in a thread, and clients as opensips-cli is one.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/mi_fifo/fifo_server.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <gtest/gtest.h>
#include <poll.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <vector>

#include "fakes.h"

namespace {
/// Set when SIGHUP was given its default action, which ends the process, in a thread that does not block it.
std::atomic<bool> deadly_hangup = false;
}  // namespace

// In place of the C library's signal() in this program: the moment between two calls is too short for a test.
extern "C" sighandler_t signal(int number, sighandler_t handler) noexcept {
  sigset_t blocked;
  ::sigemptyset(&blocked);
  ::pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  if (number == SIGHUP && handler == SIG_DFL && ::sigismember(&blocked, SIGHUP) == 0) deadly_hangup = true;
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = handler;
  return ::sigaction(number, &action, &before) == 0 ? before.sa_handler : SIG_ERR;
}

namespace httpd::mi_fifo {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// Short where a test waits for the time to pass, long where it must not pass on a busy machine.
constexpr FifoTimes kTimes{
    milliseconds(200), milliseconds(500), milliseconds(60'000), {milliseconds(5000), milliseconds(1000)}};

/// Ends when told to, and knows whether the server said that it serves.
class FakeProcess final : public Process {
 public:
  FakeProcess() { EXPECT_EQ(::pipe2(stop_.data(), O_CLOEXEC), 0); }
  ~FakeProcess() override {
    ::close(stop_[0]);
    ::close(stop_[1]);
  }
  FakeProcess(const FakeProcess&) = delete;
  FakeProcess& operator=(const FakeProcess&) = delete;
  [[nodiscard]] int stop_descriptor() const noexcept override { return stop_[0]; }
  void ready() noexcept override { ++ready_; }
  void stop() const { EXPECT_EQ(::write(stop_[1], "x", 1), 1); }
  [[nodiscard]] int times_ready() const noexcept { return ready_; }

 private:
  std::array<int, 2> stop_{};
  std::atomic<int> ready_ = 0;
};

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = Clock::now() + std::chrono::seconds(10);
  while (Clock::now() < deadline) {
    if (condition()) return true;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return condition();
}

class Server : public testing::Test {
 public:
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() override { stop(); }

 protected:
  Server() {
    settings_.fifo_name = directory_.path() + "f";
    settings_.reply_dir = directory_.path();
  }
  void start() {
    thread_ = std::thread([this] { FifoServer(settings_, mi_, log_, times_).run(process_); });
    EXPECT_TRUE(eventually([this] { return process_.times_ready() == 1; }));
    EXPECT_TRUE(std::filesystem::is_fifo(settings_.fifo_name));
  }
  void stop() {
    if (!thread_.joinable()) return;
    process_.stop();
    thread_.join();
  }
  void send(const std::string& text) const {
    std::ofstream fifo(settings_.fifo_name, std::ios::app);
    fifo << text << std::flush;
    EXPECT_TRUE(fifo.good());
  }
  /// Sends `text` in the name of the reply FIFO `name`, and returns all that comes back there.
  std::string ask(const std::string& name, const std::string& text) {
    const std::string path = directory_.path() + name;
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
    send(":" + name + ":" + text);
    std::ifstream reply(path);
    return {std::istreambuf_iterator<char>(reply), {}};
  }
  /// Makes the reply FIFO `name` and opens it for reading.
  [[nodiscard]] Descriptor waiting_client(const std::string& name) const {
    const std::string path = directory_.path() + name;
    EXPECT_EQ(::mkfifo(path.c_str(), 0600), 0);
    return Descriptor(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  }
  /// What comes within 20 seconds.
  static std::string answer(const Descriptor& client) {
    pollfd wait{client.get(), POLLIN, 0};
    std::array<char, 200> text{};
    if (::poll(&wait, 1, 20'000) != 1) return "nothing in time";
    const ssize_t size = ::read(client.get(), text.data(), text.size());
    return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))};
  }
  [[nodiscard]] std::size_t count_logged(const std::string& text) const {
    const std::string all = log_.text();
    std::size_t count = 0;
    for (std::size_t at = all.find(text); at != std::string::npos; at = all.find(text, at + 1))
      ++count;
    return count;
  }
  bool logged(const std::string& text) {
    return eventually([this, &text] { return log_.text().find(text) != std::string::npos; });
  }
  [[nodiscard]] ino_t inode() const {
    struct stat status {};
    return ::stat(settings_.fifo_name.c_str(), &status) == 0 ? status.st_ino : 0;
  }

  TemporaryDirectory directory_;
  FakeMi mi_;
  FakeLog log_;
  FifoSettings settings_;
  FifoTimes times_ = kTimes;
  FakeProcess process_;
  std::thread thread_;
};

TEST_F(Server, AnswersRequests) {
  start();
  EXPECT_EQ(ask("r1", "{\"a\":1}"), "<{\"a\":1}>");
  EXPECT_EQ(ask("r2", "{\"b\":[]}\n"), "<{\"b\":[]}>");
  EXPECT_EQ(log_.text(), "");
}

TEST_F(Server, PrettyPrinting) {
  settings_.pretty_printing = true;
  start();
  EXPECT_EQ(ask("r", "{}"), "<<{}>>");
}

TEST_F(Server, LargeReplies) {
  start();
  EXPECT_EQ(ask("r", "[\"large\"]").size(), 1'000'000U);
}

TEST_F(Server, RemovesItsFifoAtTheEnd) {
  start();
  stop();
  EXPECT_FALSE(std::filesystem::exists(settings_.fifo_name));
}

TEST_F(Server, RunsRequestsThatWantNoReply) {
  start();
  send(R"(::{"x":1}::{"notify":2})");
  EXPECT_TRUE(eventually([this] { return mi_.requests().size() == 2; }));
  EXPECT_EQ(mi_.requests(), (std::vector<std::string>{"{\"x\":1}", "{\"notify\":2}"}));
}

TEST_F(Server, ANotificationsReaderSeesTheEnd) {
  start();
  EXPECT_EQ(ask("r", "{\"notify\":1}"), "");
}

TEST_F(Server, RequestsInManyWrites) {
  start();
  ASSERT_EQ(::mkfifo((directory_.path() + "r").c_str(), 0600), 0);
  for (const char* part : {":", "r", ":{\"a\"", ":[1,", "2]"}) {
    send(part);
    std::this_thread::sleep_for(milliseconds(20));
  }
  send("}");
  std::ifstream reply(directory_.path() + "r");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(reply), {}), "<{\"a\":[1,2]}>");
}

TEST_F(Server, IncompleteRequestIsRefusedInTime) {
  start();
  const auto begin = Clock::now();
  EXPECT_EQ(ask("r", "{\"a\":"),
            R"({"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null})");
  EXPECT_GE(Clock::now() - begin, kTimes.incomplete);
  EXPECT_TRUE(logged("rest did not come"));
  EXPECT_EQ(ask("s", "{}"), "<{}>");
  EXPECT_EQ(mi_.requests().size(), 1U);
}

TEST_F(Server, TooLongRequestIsRefused) {
  start();
  const std::string reply = ask("r", "[" + std::string(200'000, ' ') + "]");
  EXPECT_EQ(nlohmann::json::parse(reply)["error"]["code"], -32600);
  EXPECT_TRUE(logged("longer than 64 KiB"));
  EXPECT_EQ(ask("s", "{}"), "<{}>");
}

TEST_F(Server, GarbageIsDropped) {
  start();
  send("what is this?\n");
  EXPECT_TRUE(logged("no request"));
  EXPECT_EQ(ask("r", "{}"), "<{}>");
}

TEST_F(Server, ACommandWhoseReplyHasNowhereToGoDoesNotRun) {
  start();
  send(":missing:{}:../f:{}");
  EXPECT_TRUE(logged("missing: No such file"));
  EXPECT_TRUE(logged("forbidden name"));
  EXPECT_EQ(ask("r", "[1]"), "<[1]>");
  EXPECT_EQ(mi_.requests(), (std::vector<std::string>{"[1]"}));
}

TEST_F(Server, AStuckReaderDelaysTheNextOnlyForAWhile) {
  start();
  const std::string path = directory_.path() + "stuck";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const Descriptor stuck(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  send(":stuck:[\"large\"]");
  EXPECT_EQ(ask("r", "{}"), "<{}>");
  EXPECT_TRUE(logged("stuck: the client does not read"));
}

TEST_F(Server, MakesARemovedFifoAnew) {
  start();
  std::filesystem::remove(settings_.fifo_name);
  EXPECT_TRUE(eventually([this] { return std::filesystem::is_fifo(settings_.fifo_name); }));
  EXPECT_TRUE(logged("removed or replaced"));
  EXPECT_EQ(ask("r", "{}"), "<{}>");
}

TEST_F(Server, SurvivesThatItCannot) {
  start();
  std::filesystem::remove(settings_.fifo_name);
  std::ofstream(settings_.fifo_name) << "x";
  EXPECT_TRUE(logged("is not a FIFO"));
  std::filesystem::remove(settings_.fifo_name);
  EXPECT_TRUE(eventually([this] { return std::filesystem::is_fifo(settings_.fifo_name); }));
}

TEST_F(Server, HangupMakesTheFifoAnew) {
  start();
  EXPECT_EQ(ask("r", "{}"), "<{}>");
  // A second name keeps the old file, so that the new one cannot get its inode number.
  std::filesystem::create_hard_link(settings_.fifo_name, directory_.path() + "old");
  const ino_t before = inode();
  ASSERT_EQ(::pthread_kill(thread_.native_handle(), SIGHUP), 0);
  EXPECT_TRUE(eventually([this, before] { return inode() != 0 && inode() != before; }));
  EXPECT_TRUE(logged("SIGHUP"));
  EXPECT_EQ(ask("s", "{}"), "<{}>");
}

TEST_F(Server, RefusesToStartWithoutItsFifo) {
  std::ofstream(settings_.fifo_name) << "x";
  FifoServer server(settings_, mi_, log_, kTimes);
  EXPECT_THROW(server.run(process_), std::system_error);
  EXPECT_EQ(process_.times_ready(), 0);
}

TEST_F(Server, MakingTheFifoAnewLosesNoRequest) {
  start();
  const Descriptor kept(::open(settings_.fifo_name.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  ASSERT_EQ(::mkfifo((directory_.path() + "late").c_str(), 0600), 0);
  const Descriptor client = waiting_client("r");
  send(":late:{}");
  // Once that is read the server waits for its client.
  EXPECT_TRUE(eventually([&kept] {
    int bytes = -1;
    return ::ioctl(kept.get(), FIONREAD, &bytes) == 0 && bytes == 0;
  }));
  send(":r:[1]:cut:[");
  ASSERT_EQ(::pthread_kill(thread_.native_handle(), SIGHUP), 0);
  const std::ifstream late(directory_.path() + "late");
  EXPECT_EQ(answer(client), "<[1]>");
  EXPECT_TRUE(logged("rest did not come"));
  EXPECT_EQ(ask("s", "{}"), "<{}>");
}

TEST_F(Server, DoesNotTakeBackAFifoThatAnotherProcessReads) {
  start();
  const std::string other = directory_.path() + "other";
  ASSERT_EQ(::mkfifo(other.c_str(), 0600), 0);
  Descriptor reader(::open(other.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  std::filesystem::rename(other, settings_.fifo_name);
  const ino_t taken = inode();
  EXPECT_TRUE(logged("another process reads"));
  std::this_thread::sleep_for(4 * kTimes.check);
  EXPECT_EQ(count_logged("another process reads"), 1U);
  EXPECT_EQ(count_logged("removed or replaced"), 1U);
  EXPECT_EQ(inode(), taken);
  reader.reset();
  EXPECT_TRUE(logged("made " + settings_.fifo_name + " anew"));
  EXPECT_EQ(ask("r", "{}"), "<{}>");
}

TEST_F(Server, DoesNotWaitForANameTwice) {
  times_.reply.open = milliseconds(300);
  start();
  ASSERT_EQ(::mkfifo((directory_.path() + "never").c_str(), 0600), 0);
  const Descriptor client = waiting_client("r");
  const auto begin = Clock::now();
  std::string text;
  for (int count = 0; count < 60; ++count)
    text += ":never:{}";
  send(text + ":r:[1]");
  EXPECT_EQ(answer(client), "<[1]>");
  EXPECT_GE(Clock::now() - begin, times_.reply.open);
  EXPECT_LT(Clock::now() - begin, 30 * times_.reply.open);
  EXPECT_EQ(mi_.requests(), (std::vector<std::string>{"[1]"}));
}

TEST_F(Server, WaitsForAllClientsOfABatchTogetherOnlySoLong) {
  times_.reply.open = milliseconds(300);
  times_.batch = milliseconds(500);
  start();
  const Descriptor client = waiting_client("r");
  const Descriptor stuck = waiting_client("stuck");
  const auto begin = Clock::now();
  std::string text;
  for (int count = 0; count < 60; ++count) {
    const std::string name = "never" + std::to_string(count);
    ASSERT_EQ(::mkfifo((directory_.path() + name).c_str(), 0600), 0);
    text += ":" + name + ":{}:stuck:[\"large\"]";
  }
  send(text + ":r:[1]");
  EXPECT_EQ(answer(client), "<[1]>");
  EXPECT_GE(Clock::now() - begin, times_.batch);
  EXPECT_LT(Clock::now() - begin, 30 * times_.reply.open);
  // The next batch has its own time.
  EXPECT_EQ(ask("s", "{}"), "<{}>");
}

TEST_F(Server, HoldsBackLogLinesOfWhichThereAreTooMany) {
  start();
  std::string text;
  for (int count = 0; count < 1000; ++count)
    text += "what?\n";
  send(text + text);
  EXPECT_TRUE(logged("more lines about requests were held back"));
  stop();
  const std::size_t written = count_logged("no request");
  EXPECT_GE(written, kMaxLinesPerSecond);
  EXPECT_LT(written, 500U);
}

TEST_F(Server, HangupCannotEndItAsItStarts) {
  deadly_hangup = false;
  start();
  EXPECT_FALSE(deadly_hangup);
}

}  // namespace
}  // namespace httpd::mi_fifo
