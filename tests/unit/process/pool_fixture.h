// A server whose requests are answered by handler processes, all played in the test's own process.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <gmock/gmock.h>
#include <memory>
#include <optional>
#include <poll.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../server/connection_fixture.h"
#include "descriptors.h"
#include "process/message.h"
#include "process/worker.h"
#include "process/worker_pool.h"
#include "requests.h"
#include "server/request_board.h"
#include "server/server_monitor.h"

namespace httpd::process {

/// A handler process that does and says what the test wants.
class FakeWorker {
 public:
  FakeWorker(MeetingPoint& place, std::uint32_t index) : socket(place.arrive(index)) {}

  /// Whether a message of this kind comes next.
  [[nodiscard]] bool gets(Header::Kind kind) {
    incoming = Incoming();
    return receive_message(socket.get(), buffer, incoming) == ReceiveResult::kMessage &&
           incoming.header.kind == kind;
  }
  /// Whether a request for this path comes next; its id is the one that is answered from now on.
  [[nodiscard]] bool gets_request(std::string_view path) {
    if (!gets(Header::Kind::kRequest)) return false;
    id = incoming.header.id;
    return incoming.header.payload_in_file != 0 ||
           incoming.part(1).find(' ' + std::string(path) + ' ') != std::string_view::npos;
  }
  [[nodiscard]] bool gets_nothing() {
    incoming = Incoming();
    return receive_message(socket.get(), buffer, incoming) == ReceiveResult::kNothing;
  }
  void say(Header::Kind kind, std::string_view body = {}) {
    Outgoing message;
    message.header.kind = kind;
    message.header.id = id;
    message.header.status = 200;
    message.header.body_size = body.size();
    message.parts[2] = body;
    say(message);
  }
  void say(const Outgoing& message) {
    ASSERT_EQ(send_message(socket.get(), message, false), SendResult::kSent);
  }
  void begin_stream(std::string_view first, Header::Kind kind = Header::Kind::kReply) {
    Outgoing message;
    message.header.kind = kind;
    message.header.id = id;
    message.header.status = 200;
    message.header.body = Header::Body::kStream;
    message.header.body_size = first.size();
    message.parts[2] = first;
    say(message);
  }
  void give_piece(std::string_view piece) {
    Outgoing message;
    message.header.kind = Header::Kind::kPiece;
    message.header.id = id;
    message.header.status = static_cast<std::int64_t>(piece.size());
    message.header.body_size = piece.size();
    message.parts[2] = piece;
    say(message);
  }
  void end_stream(std::int64_t how) {
    Outgoing message;
    message.header.kind = Header::Kind::kPiece;
    message.header.id = id;
    message.header.status = how;
    say(message);
  }
  void die() { socket.reset(); }

  net::UniqueFd socket;
  std::vector<char> buffer = std::vector<char>(kMessageSize);
  Incoming incoming;
  std::uint64_t id = 0;
};

class PoolTest : public server::ServerTest {
 protected:
  using Counter = server::Statistics;

  void SetUp() override {
    descriptors_ = open_descriptors();
    for (const char* const name : {"a", "b"})
      root(name, {Method::kGet, Method::kPost},
           [](const Request&, Reply) { FAIL() << "no handler runs here"; });
  }
  void TearDown() override {
    server.reset();
    workers.clear();
    pool.reset();
    kept.reset();
    fakes.clear();
    EXPECT_EQ(open_descriptors(), descriptors_) << "some leaked";
  }

  void start_pool(std::size_t processes = 1) {
    settings.workers = processes;
    board.take_over();
    requests.emplace(router.routes().size());
    pool = std::make_unique<WorkerPool>(WorkerPool::Surroundings{loop, settings, router, board, statistics,
                                                                 &*requests, &monitor.refusal_history(), log},
                                        meeting_point);
    server = std::make_unique<server::Server>(loop, settings, router, log, statistics);
    server->count_requests(*requests);
    server->use_dispatcher(*pool);
    server->show_requests(board);
    monitor.begin(*server, *requests);
    server->init_handlers();
    server->serve(socket);
  }
  /// Lets the server work until a limit of one second that has begun is over.
  void wait_for_limit() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1100);
    pollfd waiting{loop.descriptor(), POLLIN, 0};
    while (std::chrono::steady_clock::now() < end) {
      ::poll(&waiting, 1, 20);
      loop.run_once();
    }
  }
  /// Handler processes whose handlers run in the same loop as all else.
  void start_workers(std::uint32_t count) {
    for (std::uint32_t index = 0; index < count; ++index) {
      workers.push_back(
          std::make_unique<Worker>(Worker::Surroundings{loop, settings, router, meeting_point, log}, index));
      workers.back()->serve();
    }
    settle(0);
  }
  /// A handler process that the test plays, already welcome.
  FakeWorker& add_fake() {
    fakes.push_back(std::make_unique<FakeWorker>(meeting_point, static_cast<std::uint32_t>(fakes.size())));
    settle(0);
    EXPECT_TRUE(fakes.back()->gets(Header::Kind::kWelcome));
    return *fakes.back();
  }
  /// What the board says, "root state" for each request.
  std::string shown() const {
    std::string text;
    for (const server::RequestBoard::Entry& entry : board.entries())
      text += (text.empty() ? "" : ", ") + entry.root + ' ' +
              std::string(server::RequestBoard::name(entry.state));
    return text;
  }
  static std::string post(std::string_view path, std::string_view body, std::string_view fields = "") {
    return "POST " + std::string(path) +
           " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string(fields) + "\r\n" + std::string(body);
  }

  server::RequestBoard board;
  server::ServerMonitor monitor{statistics, board, router};
  MeetingPoint meeting_point;
  std::unique_ptr<WorkerPool> pool;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<std::unique_ptr<FakeWorker>> fakes;
  std::optional<Reply> kept;

 private:
  std::size_t descriptors_ = 0;
};

}  // namespace httpd::process
