// The loop of the MI FIFO process.
// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/mi_fifo/fifo_server.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <pthread.h>
#include <sys/signalfd.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace httpd::mi_fifo {
namespace {

constexpr int kNone = -1;  // a descriptor that is never readable
constexpr std::size_t kReadSize = 64UL * 1024;
constexpr std::string_view kParseError =
    R"({"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null})";
constexpr std::string_view kTooLong =
    R"({"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request","data":"Request is longer than 64 KiB"},"id":null})";

void set_signal(int signal, void (*action)(int)) {
  if (std::signal(signal, action) == SIG_ERR)
    throw std::system_error(errno, std::system_category(), "signal");
}

/// A descriptor that is readable when SIGHUP came. Reading it cannot be missed between two calls of poll(),
/// as a handler's flag could.
Descriptor watch_hangup() {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGHUP);
  const int error = ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  if (error != 0) throw std::system_error(error, std::system_category(), "pthread_sigmask");
  // A signal that is ignored would be thrown away even while it is blocked. Not before: its default is death.
  set_signal(SIGHUP, SIG_DFL);
  Descriptor watch(::signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!watch.is_open()) throw std::system_error(errno, std::system_category(), "signalfd");
  return watch;
}

bool take_signal(int watch) noexcept {
  signalfd_siginfo info{};
  return ::read(watch, &info, sizeof info) == static_cast<ssize_t>(sizeof info);
}

bool readable(int descriptor) noexcept {
  pollfd entry{descriptor, POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0;
}

/// A checked reply name has no control characters but may have bytes that are no UTF-8.
std::string printable(std::string_view name) {
  std::string text(name);
  std::replace_if(
      text.begin(), text.end(), [](char byte) { return byte < ' ' || byte > '~'; }, '?');
  return text;
}

}  // namespace

FifoServer::FifoServer(const FifoSettings& settings, Mi& mi, Log& log, FifoTimes times)
    : settings_(settings),
      mi_(mi),
      log_(log),
      client_log_(log),
      times_(times),
      patience_(times.batch),
      fifo_(settings),
      buffer_(kReadSize, '\0') {}

void FifoServer::run(Process& process) {
  set_signal(SIGPIPE, SIG_IGN);
  const Descriptor hangup = watch_hangup();
  if (process.takes_over()) {
    fifo_.take_over();
  } else {
    fifo_.create();
  }
  next_check_ = Clock::now() + times_.check;
  process.ready();
  const int stop_descriptor = process.stop_descriptor();
  for (;;) {
    std::array<pollfd, 3> wait = {pollfd{stop_descriptor, POLLIN, 0}, pollfd{hangup.get(), POLLIN, 0},
                                  pollfd{fifo_.descriptor(), POLLIN, 0}};
    if (::poll(wait.data(), wait.size(), time_to_wait()) < 0 && errno != EINTR) {
      throw std::system_error(errno, std::system_category(), "poll");
    }
    if (wait[0].revents != 0) {
      // Another daemon has taken over: what came before that is still ours.
      if (!fifo_.in_place()) finish(fifo_.descriptor(), kNone);
      return;
    }
    patience_.renew();
    if (wait[2].revents != 0) read_requests(fifo_.descriptor(), stop_descriptor);
    expire();
    client_log_.catch_up();
    if (take_signal(hangup.get())) {
      log_.write(LogLevel::kInfo, "MI FIFO: SIGHUP: making " + settings_.fifo_name + " anew");
      problem_.clear();
      recreate(stop_descriptor);
    } else {
      check_place(stop_descriptor);
    }
  }
}

int FifoServer::time_to_wait() const {
  Clock::time_point next = std::min(next_check_, client_log_.due());
  if (reader_.incomplete()) next = std::min(next, last_byte_ + times_.incomplete);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
  return static_cast<int>(std::clamp<long long>(left.count(), 0, times_.check.count()));
}

void FifoServer::recreate(int stop_descriptor) {
  next_check_ = Clock::now() + times_.check;
  Descriptor old;
  try {
    old = fifo_.create();
  } catch (const std::system_error& error) {
    if (problem_ != error.what()) log_.write(LogLevel::kError, std::string("MI FIFO: ") + error.what());
    problem_ = error.what();
    return;
  }
  if (!problem_.empty()) log_.write(LogLevel::kNotice, "MI FIFO: made " + settings_.fifo_name + " anew");
  problem_.clear();
  finish(old.get(), stop_descriptor);
}

void FifoServer::check_place(int stop_descriptor) {
  const bool due = Clock::now() >= next_check_;
  if (fifo_.in_place()) {
    problem_.clear();
    if (due) next_check_ = Clock::now() + times_.check;
    return;
  }
  if (problem_.empty()) {
    client_log_.write(LogLevel::kNotice,
                      "MI FIFO: " + settings_.fifo_name + " was removed or replaced; making it anew");
  } else if (!due) {
    return;
  }
  recreate(stop_descriptor);
}

void FifoServer::finish(int old, int stop_descriptor) {
  // What was there is no more than fits; somebody who has it open may go on writing for ever.
  const int capacity = ::fcntl(old, F_GETPIPE_SZ);
  std::size_t left = capacity > 0 ? static_cast<std::size_t>(capacity) : 0;
  while (left > 0 && !readable(stop_descriptor)) {
    const std::size_t size = read_requests(old, stop_descriptor);
    if (size == 0) break;
    left -= std::min(size, left);
  }
  // The rest of a request would come there too, and what comes from the new one is not that rest.
  if (const std::optional<RequestReader::Item> item = reader_.expire()) serve(*item);
}

std::size_t FifoServer::read_requests(int fifo, int stop_descriptor) {
  const ssize_t size = ::read(fifo, buffer_.data(), buffer_.size());
  if (size <= 0) return 0;
  const std::vector<RequestReader::Item> items =
      reader_.add(std::string_view(buffer_).substr(0, static_cast<std::size_t>(size)));
  for (const RequestReader::Item& item : items) {
    serve(item);
    if (readable(stop_descriptor)) break;
  }
  // Taken after the requests were served: the time that they took is not their successor's.
  last_byte_ = Clock::now();
  return static_cast<std::size_t>(size);
}

void FifoServer::expire() {
  if (!reader_.incomplete() || Clock::now() < last_byte_ + times_.incomplete) return;
  if (const std::optional<RequestReader::Item> item = reader_.expire()) serve(*item);
}

void FifoServer::serve(const RequestReader::Item& item) {
  switch (item.kind) {
    case RequestReader::Kind::kRequest:
      run_request(item);
      break;
    case RequestReader::Kind::kNoRequest:
      client_log_.write(LogLevel::kError,
                        "MI FIFO: dropped text that is no request: they begin with ':[reply_fifo]:'");
      break;
    case RequestReader::Kind::kTooLong:
      refuse(item, "dropped a request longer than 64 KiB", kTooLong);
      break;
    case RequestReader::Kind::kIncomplete:
      refuse(item, "dropped a request whose rest did not come in time", kParseError);
      break;
  }
}

void FifoServer::run_request(const RequestReader::Item& item) {
  ReplyPipe pipe;
  if (!open_reply(pipe, item.reply_name)) return;
  const std::optional<std::string> reply = mi_.handle(item.text, settings_.pretty_printing);
  if (reply && pipe.is_open()) send_reply(pipe, item.reply_name, *reply);
}

void FifoServer::refuse(const RequestReader::Item& item, std::string_view why, std::string_view reply) {
  client_log_.write(LogLevel::kError, "MI FIFO: " + std::string(why));
  ReplyPipe pipe;
  if (open_reply(pipe, item.reply_name) && pipe.is_open()) send_reply(pipe, item.reply_name, reply);
}

bool FifoServer::open_reply(ReplyPipe& pipe, const std::string& name) {
  if (name.empty()) return true;
  const auto begin = Clock::now();
  const auto wait =
      patience_.is_dead(name, begin) ? std::chrono::milliseconds(0) : patience_.at_most(times_.reply.open);
  const std::string problem = pipe.open(settings_.reply_dir, name, wait);
  patience_.spend(Clock::now() - begin);
  if (problem.empty()) return true;
  // Not where the others had used up the time: its client may be about to come.
  if (pipe.unread() && wait == times_.reply.open) patience_.add_dead(name);
  client_log_.write(LogLevel::kNotice, "MI FIFO: cannot open the reply FIFO " + settings_.reply_dir +
                                           printable(name) + ": " + problem);
  return false;
}

void FifoServer::send_reply(ReplyPipe& pipe, const std::string& name, std::string_view reply) {
  const auto begin = Clock::now();
  const std::string problem = pipe.write(reply, patience_.at_most(times_.reply.write));
  patience_.spend(Clock::now() - begin);
  if (problem.empty()) return;
  client_log_.write(LogLevel::kNotice, "MI FIFO: cannot write the reply to " + settings_.reply_dir +
                                           printable(name) + ": " + problem);
}

}  // namespace httpd::mi_fifo
