// The floor for handing a request to another process: two processes that send each other one message at a
// time over a socket pair, as the HTTPD process and a handler process do.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <sched.h>
#include <string>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "client.h"

namespace {

using Clock = std::chrono::steady_clock;

void pin(std::size_t core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  if (::sched_setaffinity(0, sizeof cores, &cores) != 0) bench::fail("sched_setaffinity");
}

void say(int socket, const std::vector<char>& message) {
  if (::send(socket, message.data(), message.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(message.size()))
    bench::fail("send");
}

/// False at the end.
bool hear(int socket, std::vector<char>& message) {
  const ssize_t count = ::recv(socket, message.data(), message.size(), 0);
  if (count < 0) bench::fail("recv");
  if (count != 0 && static_cast<std::size_t>(count) != message.size())
    throw bench::Failure("a short message");
  return count != 0;
}

double cpu_seconds(int who) {
  rusage usage{};
  if (::getrusage(who, &usage) != 0) bench::fail("getrusage");
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Answers until the other side has closed.
void answer(int socket, std::size_t core, std::vector<char>& request, const std::vector<char>& reply) {
  pin(core);
  while (hear(socket, request))
    say(socket, reply);
}

void measure(std::size_t core, std::size_t other_core, std::size_t request_size, std::size_t reply_size,
             std::size_t seconds) {
  std::vector<char> request(request_size, 'q');
  std::vector<char> reply(reply_size, 'r');
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) bench::fail("socketpair");
  bench::Descriptor mine(pair[0]);
  bench::Descriptor others(pair[1]);
  const pid_t child = ::fork();
  if (child < 0) bench::fail("fork");
  if (child == 0) {
    mine = bench::Descriptor();
    ::_exit(bench::run("bench_socketpair", [&] { answer(others.get(), other_core, request, reply); }));
  }
  others = bench::Descriptor();
  pin(core);
  std::vector<double> times;
  times.reserve(seconds * 1'000'000);
  const Clock::time_point start = Clock::now();
  const Clock::time_point end = start + std::chrono::seconds(seconds);
  const double before = cpu_seconds(RUSAGE_SELF);
  Clock::time_point now = start;
  while (now < end) {
    say(mine.get(), request);
    if (!hear(mine.get(), reply)) throw bench::Failure("the other process is gone");
    const Clock::time_point last = now;
    now = Clock::now();
    times.push_back(std::chrono::duration<double, std::micro>(now - last).count());
  }
  const double own = cpu_seconds(RUSAGE_SELF) - before;
  mine = bench::Descriptor();
  int status = 0;
  if (::waitpid(child, &status, 0) != child || status != 0) throw bench::Failure("the other process failed");
  const auto count = static_cast<double>(times.size());
  std::sort(times.begin(), times.end());
  std::printf("{\"count\": %zu, \"seconds\": %.6f, \"cpu\": %.3f, \"median\": %.3f, \"p99\": %.3f}\n",
              times.size(), std::chrono::duration<double>(now - start).count(),
              (own + cpu_seconds(RUSAGE_CHILDREN)) / count * 1e6, times[times.size() / 2],
              times[times.size() * 99 / 100]);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv, argv + argc);
  if (argc != 6) {
    static_cast<void>(
        std::fputs("usage: bench_socketpair CORE CORE REQUEST_SIZE REPLY_SIZE SECONDS\n", stderr));
    return 2;
  }
  return bench::run("bench_socketpair", [&] {
    measure(bench::number(arguments[1]), bench::number(arguments[2]), bench::number(arguments[3]),
            bench::number(arguments[4]), bench::number(arguments[5]));
  });
}
