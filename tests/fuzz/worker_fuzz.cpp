// Fuzz target: what a handler process says to the HTTPD process. The input is a script: requests are
// dispatched, clients leave, and messages come in any order, true and false ones. Each request is answered
// once, whatever happens. SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness.h"
#include "net/event_loop.h"
#include "process/meeting_point.h"
#include "process/message.h"
#include "process/worker_pool.h"
#include "require.h"
#include "server/exchange.h"

namespace {

using httpd::fuzz::require;
using httpd::process::Header;
using httpd::server::Exchange;

constexpr std::string_view kHead = "GET /r HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::size_t kMostRequests = 8;

struct NoHandler final : httpd::Handler {
  [[nodiscard]] httpd::MethodSet methods() const override { return {httpd::Method::kGet}; }
  void handle(const httpd::Request& /*request*/, httpd::Reply /*reply*/) override { require(false); }
};

/// The input, from its beginning to its end; zeros after that.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  std::string_view take(std::size_t size) {
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  template <typename Number>
  Number number() {
    Number value{};
    const std::string_view bytes = take(sizeof value);
    std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }

 private:
  std::string_view rest_;
};

/// A request, and the connection that waits for its reply.
class Client final : private Exchange::Owner {
 public:
  Client(const httpd::http::Limits& limits, const httpd::server::Router& router) : exchange_(limits) {
    exchange_.begin(*this, {}, nullptr);
    require(exchange_.parser().parse_head(kHead) == httpd::http::RequestParser::State::kComplete);
    require(exchange_.route(router) == httpd::http::Refusal::kNone);
  }
  ~Client() { exchange_.end(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void ask(httpd::server::Dispatcher& dispatcher) {
    std::string error;
    require(exchange_.run_handler(&dispatcher, error));
  }
  void leave(httpd::net::EventLoop& loop, httpd::Log& log) {
    if (!left_ && !exchange_.finished()) {
      left_ = true;
      exchange_.orphan(*this, loop, log);
    }
  }
  /// Takes what there is of a stream. True when the reply is whole, or nobody wants it.
  bool done() {
    if (left_) return true;
    if (!exchange_.finished()) return false;
    require(exchange_.status() >= 200 && exchange_.status() <= 599);
    auto* const source = std::get_if<std::unique_ptr<httpd::BodySource>>(&exchange_.reply_body());
    if (source == nullptr || *source == nullptr) return true;
    std::array<char, 1000> buffer{};
    for (;;) {
      const std::ptrdiff_t count = (*source)->read(0, buffer.data(), buffer.size());
      require(count <= static_cast<std::ptrdiff_t>(buffer.size()));
      if (count == httpd::BodySource::kWait) return false;
      if (count < 0) return true;
    }
  }

 private:
  void on_reply_finished(Exchange& /*exchange*/) noexcept override { require(++finished_ == 1); }
  const httpd::net::Address& local_address() noexcept override { return nowhere_; }
  Exchange exchange_;
  httpd::net::Address nowhere_;
  int finished_ = 0;
  bool left_ = false;
};

void settle(httpd::net::EventLoop& loop) {
  pollfd waiting{loop.descriptor(), POLLIN, 0};
  while (httpd::fuzz::wait_for(&waiting, 1, 0))
    loop.run_once();
}

/// Takes what the HTTPD process says; the ids of its requests are worth knowing.
void listen(int socket, std::vector<std::uint64_t>& ids) {
  static std::array<char, httpd::process::kMessageSize> buffer;
  httpd::process::Incoming message;
  while (httpd::process::receive_message(socket, buffer, message) == httpd::process::ReceiveResult::kMessage)
    if (message.header.kind == Header::Kind::kRequest) ids.push_back(message.header.id);
}

void say(int socket, Input& input, const std::vector<std::uint64_t>& ids) {
  Header header;
  const auto choice = input.number<std::uint8_t>();
  header.kind = static_cast<Header::Kind>(choice % 9);
  header.body = static_cast<Header::Body>(choice / 9 % 4);
  const auto which = input.number<std::uint8_t>();
  header.id = which < ids.size() ? ids[which] : input.number<std::uint64_t>();
  header.status = input.number<std::int16_t>();
  const auto shape = input.number<std::uint8_t>();
  header.last = shape & 1U;
  header.payload_in_file = (shape & 0xf0U) == 0xf0U ? 1 : 0;
  const std::string_view payload = input.take(input.number<std::uint8_t>());
  if ((shape & 2U) != 0) {
    header.sizes = {input.number<std::uint32_t>(), input.number<std::uint32_t>()};
    header.body_size = input.number<std::uint64_t>();
  } else {
    header.body_size = payload.size();
  }
  std::string message(reinterpret_cast<const char*>(&header), sizeof header);
  message += payload;
  if (shape % 32 == 12) message.resize(payload.size());
  static_cast<void>(::send(socket, message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static httpd::fuzz::SilentLog log;
  static httpd::server::RequestBoard board;
  static httpd::server::Statistics statistics;
  httpd::server::Settings settings;
  settings.workers = 1;
  settings.max_queue = 4;
  httpd::server::Router router;
  router.add("fuzz", "r", std::make_unique<NoHandler>());
  httpd::net::EventLoop loop;
  httpd::process::MeetingPoint meeting_point;
  httpd::server::RefusalHistory refusals;
  board.take_over();
  {
    httpd::process::WorkerPool pool({loop, settings, router, board, statistics, nullptr, &refusals, log},
                                    meeting_point);
    std::vector<std::unique_ptr<Client>> clients;
    std::vector<std::uint64_t> ids;
    httpd::net::UniqueFd worker = meeting_point.arrive(0);
    Input input(data, size);
    while (!input.empty()) {
      settle(loop);
      listen(worker.get(), ids);
      switch (input.number<std::uint8_t>() % 8) {
        case 0:
          if (clients.size() == kMostRequests) break;
          clients.push_back(std::make_unique<Client>(settings.limits, router));
          clients.back()->ask(pool);
          break;
        case 1:
          if (const std::size_t which = input.number<std::uint8_t>(); which < clients.size())
            clients[which]->leave(loop, log);
          break;
        case 2:
          for (const auto& client : clients)
            static_cast<void>(client->done());
          break;
        case 3:
          worker = meeting_point.arrive(0);
          break;
        default:
          say(worker.get(), input, ids);
      }
    }
    settle(loop);
    worker.reset();
    settle(loop);
    pool.drain(httpd::process::WorkerPool::Waiting::kRefused);
    settle(loop);
    for (const auto& client : clients)
      require(client->done());
  }
  require(board.entries().empty());
  return 0;
}
