// Starts a server and prints the milliseconds from there to the end of its first answer; then ends it.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <poll.h>
#include <sched.h>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "tls_connection.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::microseconds kBetweenAttempts{200};
constexpr std::chrono::seconds kLongestStart{10};
constexpr int kLongestSilence = 10'000;  // ms
constexpr std::string_view kPath = "/bench";
constexpr std::size_t kBodySize = 500;

/// A server, which is told to end when this one is destroyed, and has ended then.
class Server {
 public:
  Server(std::size_t core, char* const* command) : pid_(::fork()) {
    if (pid_ < 0) bench::fail("fork");
    if (pid_ > 0) return;
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    if (::sched_setaffinity(0, sizeof cores, &cores) == 0) ::execvp(command[0], command);
    std::perror(command[0]);
    ::_exit(127);
  }
  ~Server() {
    ::kill(pid_, SIGTERM);
    ::waitpid(pid_, nullptr, 0);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  pid_t pid_;
};

/// Tries until somebody listens.
bench::Descriptor connect_to(std::uint16_t port) {
  const Clock::time_point end = Clock::now() + kLongestStart;
  for (;;) {
    bench::Descriptor socket = bench::try_to_connect(port);
    if (socket.get() >= 0) return socket;
    if (Clock::now() > end) throw bench::Failure("the server does not start");
    std::this_thread::sleep_for(kBetweenAttempts);
  }
}

void ask(const bench::Descriptor& socket) {
  bench::send_all(socket.get(), bench::get_request(kPath));
  std::string received;
  for (;;) {
    std::array<char, 4096> piece{};
    const ssize_t count = ::recv(socket.get(), piece.data(), piece.size(), 0);
    if (count < 0) bench::fail("recv");
    if (count == 0) throw bench::Failure("the reply was cut off");
    received.append(piece.data(), static_cast<std::size_t>(count));
    const auto body = bench::check_head(received, kBodySize);
    if (body && body->size() == kBodySize) return;
  }
}

void ask_over_tls(SSL_CTX& context, bench::Descriptor socket) {
  const bench::Order order(kPath, kBodySize, false);
  bench::Connection connection(context, std::move(socket), order, nullptr);
  while (!connection.advance()) {
    pollfd waiting{connection.descriptor(), POLLIN, 0};
    if (::poll(&waiting, 1, kLongestSilence) <= 0) throw bench::Failure("the server was silent for 10 s");
  }
}

void measure(std::uint16_t port, bool tls, std::size_t core, char* const* command) {
  // Before the start, for it takes a while.
  const bench::Owned<SSL_CTX> context(::SSL_CTX_new(::TLS_client_method()));
  if (!context) bench::fail_tls("SSL_CTX_new");
  const Clock::time_point begin = Clock::now();
  const Server server(core, command);
  bench::Descriptor socket = connect_to(port);
  if (tls) {
    ask_over_tls(*context, std::move(socket));
  } else {
    ask(socket);
  }
  std::printf("%.3f\n", std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  if (argc < 5 || (arguments[2] != "http" && arguments[2] != "https")) {
    static_cast<void>(std::fputs("usage: bench_first_answer PORT http|https CORE COMMAND...\n", stderr));
    return 2;
  }
  // The server may be gone when the client says its close_notify.
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  return bench::run("bench_first_answer", [&] {
    measure(bench::port_number(arguments[1]), arguments[2] == "https", bench::number(arguments[3]), argv + 4);
  });
}
