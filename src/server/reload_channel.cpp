// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/reload_channel.h"

#include <array>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <span>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "net/descriptor_passing.h"

namespace httpd::server {
namespace {

static_assert(ReloadChannel::kMaxText < PIPE_BUF);
constexpr char kGood = '+';
constexpr char kBad = '-';
/// It is written in one piece, and its pipe closed.
constexpr std::chrono::milliseconds kAnswerTime{1000};

/// Sends a request with a descriptor for the answer, or with none (-1). Never blocks.
bool send_request(int socket, Reload what, int answer) noexcept {
  char byte = static_cast<char>(what);
  const iovec piece{&byte, 1};
  const std::span<const int> answers(&answer, answer >= 0 ? 1 : 0);
  return net::send_with_descriptors(socket, std::span(&piece, 1), answers, MSG_DONTWAIT) == 1;
}

/// Takes one request. False when none waits; `answer` is empty when nobody waits for its result.
bool receive_request(int socket, Reload& what, net::UniqueFd& answer) noexcept {
  char byte = 0;
  net::ReceivedMessage received = net::receive_with_descriptors(socket, std::span(&byte, 1));
  answer = std::move(received.descriptors[0]);
  what = static_cast<Reload>(byte);
  return received.bytes == 1;
}

void write_answer(int pipe, const ReloadResult& result) noexcept {
  std::array<char, ReloadChannel::kMaxText + 1> bytes{};
  bytes[0] = result.good ? kGood : kBad;
  const std::size_t size = 1 + result.text.copy(bytes.data() + 1, ReloadChannel::kMaxText);
  // Who asked may have stopped waiting: SIGPIPE is ignored in every process of a host.
  if (::write(pipe, bytes.data(), size) < 0) return;
}

/// The answer's text up to its end. Nothing when the time is over.
std::optional<std::string> read_answer(int pipe, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::string text;
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return std::nullopt;
    pollfd waiting{pipe, POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(left.count())) <= 0) continue;
    std::array<char, ReloadChannel::kMaxText + 1> bytes{};
    const ssize_t count = ::read(pipe, bytes.data(), bytes.size());
    if (count == 0) return text;
    if (count > 0) text.append(bytes.data(), static_cast<std::size_t>(count));
    if (count < 0 && errno != EINTR && errno != EAGAIN) return text;
  }
}

ReloadResult result_of(const std::string& answer) {
  if (answer.empty()) return {false, "the HTTPD process ended before it had reloaded"};
  return {answer.front() == kGood, answer.substr(1)};
}

}  // namespace

ReloadChannel::ReloadChannel() {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair.data()) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  asking_ = net::UniqueFd(pair[0]);
  serving_ = net::UniqueFd(pair[1]);
}

ReloadChannel::~ReloadChannel() {
  leave();
}

void ReloadChannel::serve(net::EventLoop& loop, std::function<ReloadResult(Reload)> reload) {
  loop.add(serving_.get(), EPOLLIN, *this);
  loop_ = &loop;
  reload_ = std::move(reload);
  keep_reserve();
}

void ReloadChannel::keep_reserve() noexcept {
  for (net::UniqueFd& spare : reserve_)
    if (!spare) spare = net::UniqueFd(::fcntl(serving_.get(), F_DUPFD_CLOEXEC, 0));
}

void ReloadChannel::leave() noexcept {
  if (loop_ == nullptr) return;
  loop_->remove(serving_.get(), *this);
  loop_ = nullptr;
  reserve_ = {};
}

void ReloadChannel::on_events(std::uint32_t /*events*/) {
  reserve_ = {};
  net::UniqueFd answer;
  Reload what = Reload::kAll;
  if (receive_request(serving_.get(), what, answer)) {
    const ReloadResult result = reload_(what);
    if (answer) write_answer(answer.get(), result);
    answer.reset();
  }
  keep_reserve();
}

ReloadResult ReloadChannel::request(Reload what, std::chrono::milliseconds patience) {
  if (loop_ != nullptr) {
    reserve_ = {};
    ReloadResult result = reload_(what);
    keep_reserve();
    return result;
  }
  const net::UniqueFd answer_pipe = ask(what);
  if (!answer_pipe) {
    if (errno == EAGAIN) return {false, "the HTTPD process has too many reloads waiting"};
    return {false, std::string("no way for the answer: ") + std::strerror(errno)};
  }
  const std::optional<std::string> answer = read_answer(answer_pipe.get(), patience);
  if (!answer) return {false, "the HTTPD process is busy: it will reload when it is not"};
  return result_of(*answer);
}

net::UniqueFd ReloadChannel::ask(Reload what) noexcept {
  std::array<int, 2> pipe{};
  if (::pipe2(pipe.data(), O_CLOEXEC) != 0) return {};
  net::UniqueFd reading(pipe[0]);
  const net::UniqueFd writing(pipe[1]);
  if (send_request(asking_.get(), what, writing.get())) return reading;
  const int error = errno == ETOOMANYREFS ? EAGAIN : errno;
  reading.reset();
  errno = error;
  return reading;
}

ReloadResult ReloadChannel::take_answer(const net::UniqueFd& answer) {
  return result_of(read_answer(answer.get(), kAnswerTime).value_or(""));
}

}  // namespace httpd::server
