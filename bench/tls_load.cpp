// The loads over TLS: connections with a handshake and one request each, as fast as the server takes them, or
// requests on connections that are kept. It checks all of them. SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <utility>
#include <vector>

#include "tls_connection.h"

namespace {

using bench::Connection, bench::Descriptor, bench::fail, bench::fail_tls, bench::Failure, bench::Order,
    bench::Owned;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kVisits = 16;  // at a time
constexpr std::size_t kOpenedAtOnce = 8;
constexpr std::size_t kReadAhead = 128 * 1024;
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
    if (!context_ || ::SSL_CTX_set1_groups_list(context_.get(), groups.data()) != 1) fail_tls("SSL_CTX_new");
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
    // One call takes what there is; else it were one for the head of each record, and one for the rest.
    ::SSL_CTX_set_read_ahead(context_.get(), 1);
    ::SSL_CTX_set_default_read_buffer_len(context_.get(), kReadAhead);
    Result result;
    std::vector<Slot> slots = open_all(connections, result);
    prepared();
    const Clock::time_point start = Clock::now();
    for (Slot& slot : slots)
      slot->ask();
    std::size_t open = connections;
    while (open > 0) {
      for_each_ready([&](Slot& slot) {
        if (!slot->advance()) return;
        ++result.count;
        if (passed(start) < seconds) {
          slot->ask();
        } else {
          --open;
        }
      });
    }
    result.seconds = passed(start);
    return result;
  }

  /// How many records the reply comes in, on a connection that has had one already.
  std::size_t records() {
    Result result;
    const std::vector<Slot> slots = open_all(1, result);
    slots.front()->count_records();
    slots.front()->ask();
    finish(*slots.front());
    return slots.front()->records();
  }

  /// Connections that have made one request each, opened a few at a time, as idle ones come: the server never
  /// has many in work. `opened` is called while all are there.
  template <typename F>
  void hold(std::size_t connections, F opened) {
    Result result;
    std::vector<std::vector<Slot>> slots;
    for (; connections > 0; connections -= slots.back().size())
      slots.push_back(open_all(std::min(connections, kOpenedAtOnce), result));
    opened();
  }

 private:
  using Slot = std::unique_ptr<Connection>;

  /// So many connections at a time, each with a first reply.
  std::vector<Slot> open_all(std::size_t connections, Result& result) {
    std::vector<Slot> slots(connections);
    for (Slot& slot : slots)
      begin(slot, false);
    while (connections > 0) {
      for_each_ready([&](Slot& slot) {
        if (!slot->advance()) return;
        note(*slot, result);
        --connections;
      });
    }
    return slots;
  }

  /// Waits for the reply of one connection, while the others are silent.
  void finish(Connection& connection) {
    bool done = false;
    while (!done) {
      for_each_ready([&](Slot& slot) { done = slot.get() == &connection && slot->advance(); });
    }
  }

  static double passed(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  void begin(Slot& slot, bool resume) {
    // A copy, since OpenSSL takes a session of TLS 1.3 out of use, for all connections, once it was resumed.
    const Owned<SSL_SESSION> session(resume && session_ ? ::SSL_SESSION_dup(session_.get()) : nullptr);
    slot = std::make_unique<Connection>(*context_, bench::connect_to(port_), order_, session.get());
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

void print(const Result& result) {
  std::printf("{\"count\": %zu, \"seconds\": %.6f, \"negotiated\": \"%s\"}\n", result.count, result.seconds,
              result.negotiated.c_str());
}

void measure_handshakes(std::uint16_t port, double seconds, bool resume) {
  Load load(port, Order(kPath, kBodySize, true));
  load.visit(1, 0, false);  // for the first session to take up
  bench::wait_for_start();
  const Result result = load.visit(kVisits, seconds, resume);
  if (result.resumed != resume) throw Failure(resume ? "nothing was resumed" : "handshakes were resumed");
  print(result);
}

/// Whether all arguments are there for the mode, and what it does then.
bool run(const std::vector<std::string>& arguments) {
  const std::string mode = arguments.size() > 2 ? arguments[2] : std::string();
  const auto port = [&] { return bench::port_number(arguments[1]); };
  const auto value = [&](std::size_t index) { return bench::number(arguments[index]); };
  const auto seconds = [&] { return static_cast<double>(value(3)); };
  if (mode == "probe" && arguments.size() == 3) {
    probe(port());
  } else if ((mode == "full" || mode == "resumed") && arguments.size() == 4) {
    measure_handshakes(port(), seconds(), mode == "resumed");
  } else if (mode == "kept" && arguments.size() == 7) {
    print(
        Load(port(), Order(arguments[5], value(6), false)).keep(value(4), seconds(), &bench::wait_for_start));
  } else if (mode == "records" && arguments.size() == 5) {
    std::printf("{\"records\": %zu}\n", Load(port(), Order(arguments[3], value(4), false)).records());
  } else if (mode == "hold" && arguments.size() == 4) {
    Load(port(), Order(kPath, kBodySize, false)).hold(value(3), &bench::wait_for_start);
  } else {
    return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  // The server may have closed its socket when the client says its close_notify.
  (void)std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> arguments(argv, argv + argc);
  bool understood = false;
  const int result = bench::run("bench_tls_load", [&] { understood = run(arguments); });
  if (result != 0 || understood) return result;
  (void)std::fputs(
      "usage: bench_tls_load PORT probe\n"
      "       bench_tls_load PORT full|resumed SECONDS\n"
      "       bench_tls_load PORT kept SECONDS CONNECTIONS PATH BODY_SIZE\n"
      "       bench_tls_load PORT records PATH BODY_SIZE\n"
      "       bench_tls_load PORT hold CONNECTIONS\n",
      stderr);
  return 2;
}
