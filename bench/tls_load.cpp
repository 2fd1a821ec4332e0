// The loads over TLS: connections with a handshake and one request each, as fast as the server takes them, or
// requests on connections that are kept. It checks all of them. SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <sys/epoll.h>
#include <utility>
#include <vector>

#include "tls_connection.h"

namespace {

using bench::Connection, bench::Descriptor, bench::fail, bench::Failure, bench::Order, bench::Owned;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kVisits = 16;      // at a time
constexpr int kLongestSilence = 10'000;  // ms
constexpr std::string_view kPath = "/bench";
constexpr std::size_t kBodySize = 500;

struct Result {
  std::size_t count = 0;  // of handshakes or of replies
  double seconds = 0;
  std::string negotiated;
  bool resumed = false;
};

class Load {
 public:
  Load(std::uint16_t port, Order order)
      : port_(port), order_(std::move(order)), context_(::SSL_CTX_new(::TLS_client_method())) {
    std::string groups = "X25519:P-256:P-384";  // the browsers'; OpenSSL itself prefers P-521 to P-384
    if (!context_ || ::SSL_CTX_set1_groups_list(context_.get(), groups.data()) != 1) fail("SSL_CTX_new");
    if (epoll_.get() < 0) fail("epoll_create1");
    ::SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    ::SSL_CTX_set_ex_data(context_.get(), 0, this);
    ::SSL_CTX_sess_set_new_cb(context_.get(), [](SSL* ssl, SSL_SESSION* session) {
      static_cast<Load*>(::SSL_CTX_get_ex_data(::SSL_get_SSL_CTX(ssl), 0))->session_.reset(session);
      return 1;
    });
  }

  /// A handshake and a request on each connection, `connections` at a time, each followed by the next until
  /// `seconds` are over; those that are open then are finished. With `resume` each takes up the last session
  /// that the server gave. Throws a Failure unless all were alike in what they negotiated and in whether they
  /// were resumed.
  Result visit(std::size_t connections, double seconds, bool resume) {
    const Clock::time_point start = Clock::now();
    Result result;
    std::vector<Slot> slots(connections);
    for (Slot& slot : slots)
      begin(slot, resume);
    std::size_t open = connections;
    while (open > 0) {
      for_each_ready([&](Slot& slot) {
        if (!slot->advance()) return;
        note(*slot, result);
        ++result.count;
        slot->close();
        slot.reset();
        if (passed(start) < seconds) {
          begin(slot, resume);
        } else {
          --open;
        }
      });
    }
    result.seconds = passed(start);
    return result;
  }

  /// Requests on connections that are kept, for `seconds`; those in work then are finished. `prepared` is
  /// called after the handshakes and a first request on each, which are neither counted nor timed.
  template <typename F>
  Result keep(std::size_t connections, double seconds, F prepared) {
    std::vector<Slot> slots(connections);
    for (Slot& slot : slots)
      begin(slot, false);
    std::size_t waiting = connections;
    Result result;
    while (waiting > 0) {
      for_each_ready([&](Slot& slot) {
        if (!slot->advance()) return;
        note(*slot, result);
        --waiting;
      });
    }
    prepared();
    const Clock::time_point start = Clock::now();
    for (Slot& slot : slots)
      slot->ask();
    std::size_t open = connections;
    while (open > 0) {
      for_each_ready([&](Slot& slot) {
        while (slot->advance()) {
          ++result.count;
          if (passed(start) < seconds) {
            slot->ask();
          } else {
            --open;
          }
        }
      });
    }
    result.seconds = passed(start);
    return result;
  }

 private:
  using Slot = std::unique_ptr<Connection>;

  static double passed(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  void begin(Slot& slot, bool resume) {
    // A copy, since OpenSSL takes a session of TLS 1.3 out of use, for all connections, once it was resumed.
    const Owned<SSL_SESSION> session(resume && session_ ? ::SSL_SESSION_dup(session_.get()) : nullptr);
    slot = std::make_unique<Connection>(*context_, port_, order_, session.get());
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLET;
    event.data.ptr = &slot;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, slot->descriptor(), &event) != 0) fail("epoll_ctl");
  }

  template <typename F>
  void for_each_ready(F handle) {
    std::array<epoll_event, 64> events{};
    const int count =
        ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), kLongestSilence);
    if (count < 0 && errno != EINTR) fail("epoll_wait");
    if (count == 0) throw Failure("the server was silent for 10 s");
    for (int i = 0; i < count; ++i)
      handle(*static_cast<Slot*>(events[static_cast<std::size_t>(i)].data.ptr));
  }

  static void note(const Connection& connection, Result& result) {
    const std::string negotiated = connection.negotiated();
    if (result.negotiated.empty()) {
      result.negotiated = negotiated;
      result.resumed = connection.resumed();
    }
    if (negotiated != result.negotiated)
      throw Failure("handshakes differ: " + result.negotiated + " and " + negotiated);
    if (connection.resumed() != result.resumed)
      throw Failure("of these handshakes some were resumed, and some were not");
  }

  std::uint16_t port_;
  Order order_;
  Descriptor epoll_{::epoll_create1(EPOLL_CLOEXEC)};
  Owned<SSL_SESSION> session_;
  Owned<SSL_CTX> context_;
};

/// Whether the server resumes sessions, as JSON.
void probe(std::uint16_t port) {
  Load load(port, Order(kPath, kBodySize, true));
  load.visit(1, 0, false);
  std::printf("{\"resumes\": %s}\n", load.visit(1, 0, true).resumed ? "true" : "false");
}

/// Says that the measurement may begin, and waits for a line, before which the server's figures are read.
void wait_for_start() {
  if (std::puts("ready") < 0 || std::fflush(stdout) != 0 || std::getchar() != '\n')
    throw Failure("was not told to start");
}

void print(const Result& result) {
  std::printf("{\"count\": %zu, \"seconds\": %.6f, \"negotiated\": \"%s\"}\n", result.count, result.seconds,
              result.negotiated.c_str());
}

void measure_handshakes(std::uint16_t port, double seconds, bool resume) {
  Load load(port, Order(kPath, kBodySize, true));
  load.visit(1, 0, false);  // for the first session to take up
  wait_for_start();
  const Result result = load.visit(kVisits, seconds, resume);
  if (result.resumed != resume) throw Failure(resume ? "nothing was resumed" : "handshakes were resumed");
  print(result);
}

template <typename T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  // The server may have closed its socket when the client says its close_notify.
  (void)std::signal(SIGPIPE, SIG_IGN);
  try {
    std::vector<std::string> arguments(argv, argv + argc);
    arguments.resize(7);
    const std::string& mode = arguments[2];
    const auto port = number<std::uint16_t>(arguments[1]);
    const auto seconds = number<unsigned int>(arguments[3]);
    const auto connections = number<std::size_t>(arguments[4]);
    const auto size = number<std::size_t>(arguments[6]);
    if (argc == 3 && port && mode == "probe") {
      probe(*port);
    } else if (argc == 4 && port && seconds && (mode == "full" || mode == "resumed")) {
      measure_handshakes(*port, *seconds, mode == "resumed");
    } else if (argc == 7 && port && seconds && connections && size && mode == "kept") {
      print(Load(*port, Order(arguments[5], *size, false)).keep(*connections, *seconds, &wait_for_start));
    } else {
      (void)std::fputs(
          "usage: bench_tls_load PORT probe\n"
          "       bench_tls_load PORT full|resumed SECONDS\n"
          "       bench_tls_load PORT kept SECONDS CONNECTIONS PATH BODY_SIZE\n",
          stderr);
      return 2;
    }
  } catch (const std::exception& exception) {
    (void)std::fprintf(stderr, "bench_tls_load: %s\n", exception.what());
    return 1;
  }
}
