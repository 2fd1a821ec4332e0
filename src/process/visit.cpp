// SPDX-License-Identifier: GPL-2.0-or-later
#include "process/visit.h"

#include <chrono>
#include <fmt/format.h>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>
#include <variant>

#include "http/escape.h"
#include "http/refusal.h"
#include "server/request_call.h"

namespace httpd::process {
namespace {

constexpr net::Duration kStreamRetry = std::chrono::milliseconds(20);

}  // namespace

Visit::~Visit() {
  if (source_ != nullptr) source_->woken_through(nullptr);
}

/// Makes the exchange what it was in the HTTPD process.
bool Visit::read(Incoming& message) {
  const Header& header = message.header;
  const bool apart = header.body == Header::Body::kInFile;
  std::string_view payload = message.payload;
  if (header.payload_in_file != 0) {
    const std::uint64_t size =
        std::uint64_t{header.sizes[0]} + header.sizes[1] + (apart ? 0 : header.body_size);
    if (message.lost_files || !mapped_.map(message.payload_file.get(), size)) return false;
    payload = mapped_.view();
  }
  if (apart && (message.lost_files || !body_file_.map(message.file.get(), header.body_size))) return false;
  const std::optional<RequestParts> parts = request_parts(header, payload, body_file_.view());
  std::optional<Origin> origin = parts ? read_origin(parts->origin) : std::nullopt;
  if (!origin) return false;
  server_ = origin->server;
  exchange_.begin(*this, origin->client, std::move(origin->tls));
  exchange_.set_user(origin->user);
  exchange_.set_request_id(origin->request_id);
  if (exchange_.parser().parse_head(parts->head) != http::RequestParser::State::kComplete) return false;
  if (apart || header.payload_in_file != 0) {
    exchange_.lend_body(parts->body);
  } else {
    exchange_.received_body().assign(parts->body);
  }
  return exchange_.route(surroundings_.router) == http::Refusal::kNone && exchange_.routed_to() != nullptr &&
         exchange_.read_arguments() == http::Refusal::kNone;
}

/// Whatever happens, the HTTPD process hears that the handler has returned.
void Visit::handle(Incoming& message) {
  id_ = message.header.id;
  try {
    if (!read(message)) throw std::runtime_error("no memory or no descriptors left");
    server::answer_by_handler(exchange_, nullptr, surroundings_.log);
  } catch (const std::exception& exception) {
    surroundings_.log.write(LogLevel::kError, fmt::format("a request could not be taken over from the HTTPD "
                                                          "process: {}; answered with 500",
                                                          exception.what()));
    return fail(Header::Kind::kReply);
  }
  surroundings_.loop.refresh_time();
  if (exchange_.finished()) return send_reply(Header::Kind::kReply);
  state_ = State::kReply;
  Outgoing kept;
  kept.header.kind = Header::Kind::kKept;
  kept.header.id = id_;
  static_cast<void>(surroundings_.owner.send(kept));
}

/// A handler that kept its reply has sent it. Its call is not to be burdened with what follows.
void Visit::on_reply_finished(server::Exchange& /*exchange*/) noexcept {
  surroundings_.loop.post(*this);
}

void Visit::on_wake() noexcept {
  woken_ = true;
  if (state_ == State::kSource) surroundings_.loop.post(*this);
}

void Visit::run() {
  switch (state_) {
    case State::kReply:
      return send_reply(Header::Kind::kLate);
    case State::kCancelled:
      return end();
    case State::kSource:
      return send_piece();
    case State::kPull:
    case State::kNothing:
      break;
  }
}

void Visit::send_reply(Header::Kind kind) {
  server::log_abandoned(exchange_, surroundings_.log);
  Outgoing reply;
  reply.header.kind = kind;
  reply.header.id = id_;
  reply.header.status = exchange_.status();
  reply.parts = {exchange_.content_type_given(), exchange_.reply_fields(), {}};
  reply.header.sizes = {static_cast<std::uint32_t>(reply.parts[0].size()),
                        static_cast<std::uint32_t>(reply.parts[1].size())};
  try {
    send_body(reply);
  } catch (const std::exception& exception) {
    surroundings_.log.write(LogLevel::kError, http::escape_for_log(exception.what()));
    fail(kind);
  }
}

void Visit::send_body(Outgoing& reply) {
  server::Exchange::Body& body = exchange_.reply_body();
  if (auto* const source = std::get_if<std::unique_ptr<BodySource>>(&body))
    return begin_stream(reply, std::move(*source));
  if (const auto* const view = std::get_if<std::string_view>(&body)) {
    reply.parts[2] = *view;
  } else if (const auto* const text = std::get_if<std::string>(&body)) {
    reply.parts[2] = *text;
  } else if (const auto* const lent = std::get_if<LentBytes>(&body)) {
    reply.parts[2] = lent->view();
  } else if (const auto* const file = std::get_if<FileBody>(&body)) {
    if (file->descriptor() < 0) return fail(reply.header.kind);
    reply.header.body = Header::Body::kInFile;
    reply.header.offset = file->offset();
    reply.header.body_size = file->size();
    reply.file = file->descriptor();
  }
  const Header::Kind kind = reply.header.kind;
  net::UniqueFd apart;
  if (reply.header.body == Header::Body::kInPayload) {
    reply.header.body_size = reply.parts[2].size();
    // Without its head the file can be sent as it is.
    if (reply.header.body_size > kInlineLimit) {
      apart = make_memory_file(std::span(reply.parts).subspan(2));
      if (!apart) return fail_to_send(kind);
      reply.parts[2] = {};
      reply.header.body = Header::Body::kInFile;
      reply.file = apart.get();
    }
  }
  if (!surroundings_.owner.send(reply)) return fail_to_send(kind);
  end();
}

void Visit::fail_to_send(Header::Kind kind) {
  surroundings_.log.write(
      LogLevel::kError,
      fmt::format("no memory or no descriptors to hand on a reply of root {}: answered with 500",
                  exchange_.root()));
  fail(kind);
}

/// The first piece travels with the head, so that a stream that fails at once can still become a 500.
void Visit::begin_stream(Outgoing& reply, std::unique_ptr<BodySource> source) {
  source_ = std::move(source);
  source_->woken_through(this);
  position_ = 0;
  // Of a reply to HEAD nobody wants a body.
  const std::ptrdiff_t count = exchange_.is_head() ? std::ptrdiff_t{BodySource::kEnd} : ask_source();
  const Header::Kind kind = reply.header.kind;
  if (count == BodySource::kBroken) {
    surroundings_.log.write(
        LogLevel::kError,
        fmt::format("the body of a reply of root {} could not be completed after 0 bytes: answered with 500",
                    exchange_.root()));
    return fail(kind);
  }
  const std::string_view piece(surroundings_.owner.window().data(),
                               count > 0 ? static_cast<std::size_t>(count) : 0);
  reply.header.body = Header::Body::kStream;
  reply.header.body_size = piece.size();
  reply.header.last = count == BodySource::kEnd ? 1 : 0;
  reply.parts[2] = piece;
  if (!surroundings_.owner.send(reply)) return fail_to_send(kind);
  if (count == BodySource::kEnd) return end();
  if (count > 0) {
    state_ = State::kPull;
  } else {
    wait_for_source(count);
  }
}

std::ptrdiff_t Visit::ask_source() {
  woken_ = false;
  const std::ptrdiff_t count = server::ask_source(*source_, position_, surroundings_.owner.window(),
                                                  exchange_.root(), surroundings_.log);
  if (count > 0) position_ += static_cast<std::uint64_t>(count);
  return count;
}

void Visit::pull() {
  if (state_ == State::kPull) send_piece();
}

void Visit::send_piece() {
  const std::ptrdiff_t count = ask_source();
  if (count == BodySource::kLater || count == BodySource::kWait) return wait_for_source(count);
  if (count == BodySource::kBroken)
    surroundings_.log.write(
        LogLevel::kError,
        fmt::format("the body of a reply of root {} could not be completed after {} bytes: connection cut",
                    exchange_.root(), position_));
  Outgoing piece;
  piece.header.kind = Header::Kind::kPiece;
  piece.header.id = id_;
  piece.header.status = count;
  if (count > 0) {
    piece.header.body_size = static_cast<std::uint64_t>(count);
    piece.parts[2] = {surroundings_.owner.window().data(), static_cast<std::size_t>(count)};
    state_ = State::kPull;
  }
  if (!surroundings_.owner.send(piece) || count < 0) end();
}

void Visit::wait_for_source(std::ptrdiff_t answer) noexcept {
  state_ = State::kSource;
  if (woken_) {
    surroundings_.loop.post(*this);
  } else if (answer == BodySource::kLater) {
    surroundings_.loop.arm(*this, kStreamRetry);
  }
}

void Visit::cancel() noexcept {
  if (state_ == State::kReply && exchange_.is_held()) {
    state_ = State::kCancelled;
    return exchange_.orphan(*this, surroundings_.loop, surroundings_.log);
  }
  if (state_ != State::kCancelled) end();
}

void Visit::refuse(const Incoming& message) {
  id_ = message.header.id;
  const http::RefusalInfo& info = http::describe(http::Refusal::kShuttingDown);
  answer(Header::Kind::kReply, info.status, info.reason);
}

/// An error, which needs nothing but a small message.
void Visit::answer(Header::Kind kind, int status, std::string_view reason) {
  Outgoing reply;
  reply.header.kind = kind;
  reply.header.id = id_;
  reply.header.status = status;
  try {
    exchange_.refuse(status, reason);
    reply.parts = {exchange_.content_type_given(), exchange_.reply_fields(),
                   std::get<std::string>(exchange_.reply_body())};
  } catch (const std::bad_alloc&) {
    reply.parts = {std::string_view(), std::string_view(), reason};
  }
  reply.header.sizes = {static_cast<std::uint32_t>(reply.parts[0].size()),
                        static_cast<std::uint32_t>(reply.parts[1].size())};
  reply.header.body_size = reply.parts[2].size();
  static_cast<void>(surroundings_.owner.send(reply));
  end();
}

void Visit::end() noexcept {
  net::Timer::cancel();
  net::ListNode<net::Task>::unlink();
  state_ = State::kNothing;
  if (source_ != nullptr) {
    source_->woken_through(nullptr);
    source_.reset();
  }
  exchange_.end();
  mapped_ = MappedFile();
  body_file_ = MappedFile();
  surroundings_.owner.on_ended(*this);
}

}  // namespace httpd::process
