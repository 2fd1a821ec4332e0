// From complete requests to bytes on the wire. SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <array>
#include <ctime>
#include <fmt/format.h>

#include "http/characters.h"
#include "http/escape.h"
#include "http/reply_head.h"
#include "server/connection.h"
#include "server/refusal_line.h"
#include "server/request_call.h"

namespace httpd::server {
namespace {

constexpr std::size_t kCopyLimit = 16 * 1024;     // a longer body is cheaper to send from where it lies
constexpr std::size_t kStreamWindow = 32 * 1024;  // what is asked of a BodySource at once
constexpr net::Duration kNoticeable = std::chrono::milliseconds(1);
constexpr std::string_view kRetryCheck = "5";  // seconds
constexpr std::string_view kAllowAnywhere = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";

}  // namespace

Connection::Step Connection::turn_away() {
  exchange_ = context_.take_exchange();
  exchange_->begin(*this, peer_, tls_);
  return refuse(place_.refusal(), true);
}

Connection::Step Connection::on_message_complete() {
  if (refusal_ != http::Refusal::kNone) return refuse(refusal_, false);
  const http::RequestHead& head = exchange_->parser().head();
  if (head.method == Method::kOptions) {
    const Route* const route = exchange_->routed_to();
    exchange_->answer(204, {});
    exchange_->add_engine_field("Allow", route == nullptr ? std::string(kAllowAnywhere) : route->allow());
    start_reply();
    return Step::kAgain;
  }
  if (const http::Refusal refusal = exchange_->read_arguments(); refusal != http::Refusal::kNone)
    return refuse(refusal, false);
  return answer();
}

Connection::Step Connection::answer() {
  if (context_.refusing && !is_for_health()) return refuse(http::Refusal::kShuttingDown, true);
  phase_ = Phase::kHandling;
  looked_for_ = false;
  // Replies that are ready do not wait for a handler that may be slow, once one in this turn was.
  if (context_.loop.now() - context_.turn_began > kNoticeable && !flush() && phase_ == Phase::kClosed)
    return Step::kWait;
  if (context_.board != nullptr && dispatcher() == nullptr)
    exchange_->show_on(*context_.board, context_.loop.now());
  show_as(Statistics::kRequestsInProgress);
  context_.loop.set_exact_time();
  since_ = context_.loop.now();
  if (log_ != nullptr) AccessLog::call_handler(*log_);
  answer_by_handler(*exchange_, dispatcher(), context_.handler_log);
  context_.loop.set_exact_time();
  if (!exchange_->finished()) {
    exchange_->show_kept(context_.loop.now());
    return Step::kAgain;
  }
  show_as(Statistics::kCounters);
  count_handler();
  start_reply();
  return Step::kAgain;
}

/// The handler has answered, or is not waited for any more.
void Connection::count_handler() noexcept {
  // A dispatcher knows better how long the handler itself took.
  if (context_.requests != nullptr && dispatcher() == nullptr)
    context_.requests->of(exchange_->routed_to()).handler_time.add(context_.loop.now() - since_);
}

Connection::Step Connection::refuse(http::Refusal refusal, bool close) {
  const http::RefusalInfo& info = http::describe(refusal);
  if (phase_ == Phase::kHead) exchange_->parser().read_method(input_);
  note_refusal(refusal);
  const Route* const route = exchange_->routed_to();
  exchange_->refuse(info.status, info.reason);
  if (refusal == http::Refusal::kMethodNotAllowed) exchange_->add_engine_field("Allow", route->allow());
  if (refusal == http::Refusal::kTooManyRequests) exchange_->add_engine_field("Retry-After", "1");
  if (refusal == http::Refusal::kTooManyChecks) exchange_->add_engine_field("Retry-After", kRetryCheck);
  if (refusal == http::Refusal::kTooManyAttempts)
    exchange_->add_engine_field("Retry-After", std::to_string(retry_after_));
  if (close) {
    keep_alive_ = false;
    linger_ = true;  // the client may still be sending
  }
  start_reply();
  return Step::kAgain;
}

void Connection::note_refusal(http::Refusal refusal) {
  const std::string_view read_so_far = phase_ == Phase::kHead ? input_ : std::string_view();
  context_.statistics.count_refusal(refusal);
  const http::RefusalInfo& info = http::describe(refusal);
  if (context_.refusals != nullptr)
    context_.refusals->note(refusal, exchange_->client_address(),
                            exchange_->parser().request_line(read_so_far));
  const LogLevel level = info.parameter.empty() ? LogLevel::kInfo : LogLevel::kWarning;
  if (!context_.log.enabled(level) || !context_.throttle.admit(context_.log, context_.loop.now())) return;
  const bool of_handler = refusal == http::Refusal::kHandlerTimeout;
  context_.log.write(
      level, refusal_line(refusal, client_text(), exchange_->parser().request_line(read_so_far),
                          of_handler ? exchange_->root() : std::string_view(), refusal_detail(refusal)));
}

void Connection::start_reply() {
  log_abandoned(*exchange_, context_.handler_log);
  const int status = exchange_->status();
  // Requests that have come behind this one are answered first, where there is time for it.
  const bool in_a_hurry = context_.draining && !context_.leaving;
  if ((context_.draining || context_.dismissing) && keep_alive_ && (in_a_hurry || input_.empty())) {
    keep_alive_ = false;
    linger_ = true;  // the client does not know yet, and may have sent more
  }
  const Route* const route = exchange_->routed_to();
  if (status == 405 && route != nullptr && !http::has_field(exchange_->reply_fields(), "Allow"))
    exchange_->add_engine_field(
        "Allow", route->allow(exchange_->method() == Method::kGet ? MethodSet{Method::kGet, Method::kHead}
                                                                  : MethodSet{exchange_->method()}));

  // RFC 9110 section 15.5.2: handlers in C cannot set the field.
  if (status == 401 && !http::has_field(exchange_->reply_fields(), "WWW-Authenticate"))
    for (const std::string& challenge : context_.access.challenges())
      exchange_->add_engine_field("WWW-Authenticate", challenge);

  exchange_->add_access_fields();
  if (context_.request_ids != nullptr) {
    if (exchange_->request_id().empty()) identify();
    exchange_->add_request_id_field();
  }

  Exchange::Body& body = exchange_->reply_body();
  // RFC 9110 section 15.3.6: a 205 has no content, and says so.
  if (status == 205) body = std::string_view();
  if (context_.compression.concerns(route) &&
      context_.compression.treat(*exchange_) == Compression::Length::kUnknown) {
    chunked_ = false;
    write_head(0, true);
    end_reply();
    return;
  }
  const bool bodiless = exchange_->is_head() || http::is_bodiless(status);
  if (std::holds_alternative<std::unique_ptr<BodySource>>(body)) {
    chunked_ = !exchange_->parser().head().http_1_0;
    if (!chunked_ && !bodiless) keep_alive_ = false;
    if (bodiless) {
      write_head(0, true);
      end_reply();
    } else {
      exchange_->show_streaming(context_.loop.now());
      stream_position_ = 0;
      supply_ = Supply::kReady;
      head_pending_ = true;
      std::get<std::unique_ptr<BodySource>>(body)->woken_through(this);
      phase_ = Phase::kStreaming;
    }
    return;
  }
  if (!bodiless && !read_small_file(body)) {
    exchange_->refuse(500, "The handler failed");
    start_reply();
    return;
  }
  const auto size_of = [](const auto& bytes) -> std::uint64_t {
    if constexpr (requires { bytes.view(); }) {
      return bytes.view().size();
    } else if constexpr (requires { bytes.size(); }) {
      return bytes.size();
    } else {
      return 0;
    }
  };
  write_head(std::visit(size_of, body), false);
  if (!bodiless) write_body(body);
  end_reply();
}

void Connection::write_head(std::uint64_t length, bool streamed) {
  context_.statistics.count_reply(exchange_->status());
  if (context_.requests != nullptr)
    context_.requests->count(exchange_->routed_to(), exchange_->parser().head().method, exchange_->status());
  http::ReplyHead head;
  head.status = exchange_->status();
  head.date = context_.date.value(std::time(nullptr));
  head.content_type = http::is_bodiless(head.status) ? std::string_view() : exchange_->content_type();
  head.fields = exchange_->reply_fields();
  head.length = length;
  if (streamed && !http::is_bodiless(head.status))
    head.body = chunked_ ? http::ReplyHead::Body::kChunked : http::ReplyHead::Body::kUntilClose;
  if (!keep_alive_) {
    head.connection = "close";
  } else if (exchange_->parser().head().http_1_0) {
    head.connection = "keep-alive";
  }
  http::append_reply_head(head, context_.output);
  if (context_.access_log != nullptr) log_reply(length, streamed);
}

void Connection::write_body(Exchange::Body& body) {
  if (const auto* const view = std::get_if<std::string_view>(&body)) {
    context_.output += *view;
  } else if (auto* const text = std::get_if<std::string>(&body)) {
    if (text->size() <= kCopyLimit) {
      context_.output += *text;
    } else {
      write_large(std::move(*text));
    }
  } else if (auto* const lent = std::get_if<LentBytes>(&body)) {
    if (lent->view().size() <= kCopyLimit) {
      context_.output += lent->view();
    } else {
      write_large(std::move(*lent));
    }
  } else if (auto* const file = std::get_if<FileBody>(&body)) {
    // The next step writes the queue.
    queue_.append_copy(context_.output);
    context_.output.clear();
    queue_.append(std::move(*file));
    file_route_ = exchange_->routed_to();
    was_queued_ = true;
  }
}

/// Writes what is pending and `bytes` in one go; what the client does not take at once waits where it lies.
template <typename Bytes>
void Connection::write_large(Bytes bytes) {
  std::string& output = context_.output;
  std::size_t written = 0;
  file_route_ = exchange_->routed_to();  // what is lent may have to become a file
  const std::string_view view = [&bytes]() -> std::string_view {
    if constexpr (requires { bytes.view(); }) {
      return bytes.view();
    } else {
      return bytes;
    }
  }();
  // A longer one goes turn by turn.
  if (queue_.empty() && view.size() <= OutputQueue::kTurn) {
    const std::array<iovec, 2> pieces{iovec{output.data(), output.size()},
                                      iovec{const_cast<char*>(view.data()), view.size()}};
    const net::IoResult result = stream_->write(pieces);
    if (result.state == net::IoResult::State::kFailed) {
      output.clear();
      return close();
    }
    written = result.bytes;
    on_written(result);
  }
  const std::size_t of_output = std::min(written, output.size());
  queue_.append_copy(std::string_view(output).substr(of_output));
  queue_.append(std::move(bytes), written - of_output);
  output.clear();
  // Also when all went to the kernel: it is a while until so much is with the client.
  was_queued_ = true;
}

Connection::Step Connection::pump_stream() {
  if (supply_ == Supply::kWaiting) {
    if (broken_) close();
    return Step::kWait;
  }
  woken_ = false;
  keep_input();  // the read buffer is about to be used for the body
  BodySource& source = *std::get<std::unique_ptr<BodySource>>(exchange_->reply_body());
  char* const buffer = context_.read_buffer.data();
  const std::ptrdiff_t count = ask_source(source, stream_position_, std::span(buffer, kStreamWindow),
                                          exchange_->root(), context_.handler_log);
  const bool first = head_pending_;
  head_pending_ = false;
  if (count == BodySource::kBroken) {
    context_.handler_log.write(
        LogLevel::kError,
        fmt::format("the body of a reply of root {} could not be completed after {} bytes: {}",
                    exchange_->root(), stream_position_, first ? "answered with 500" : "connection cut"));
    if (first) {
      exchange_->refuse(500, "The handler failed");
      start_reply();
      return Step::kAgain;
    }
    flush();
    abort();
    return Step::kWait;
  }
  if (first) write_head(0, count != BodySource::kEnd);
  if (stream_waits(count)) {
    if (broken_) close();
    return Step::kWait;
  }
  if (count == BodySource::kEnd) {
    if (!first && chunked_) http::append_chunk_header(0, context_.output);
    return end_reply();
  }
  const auto size = static_cast<std::size_t>(count);
  if (chunked_) http::append_chunk_header(size, context_.output);
  context_.output.append(buffer, size);
  if (chunked_) context_.output += "\r\n";
  stream_position_ += size;
  // One window at a time: what the client has not taken is all that is held for it.
  return flush() ? Step::kAgain : Step::kWait;
}

Connection::Step Connection::end_reply() {
  if (phase_ == Phase::kClosed) return Step::kWait;
  context_.give_back(std::move(exchange_));
  if (log_ != nullptr) log_reply_made();
  refusal_ = http::Refusal::kNone;
  limit_ = Limit::kNone;
  phase_ = keep_alive_ ? Phase::kIdle : Phase::kEnding;
  return Step::kAgain;
}

/// Writes all that is pending. False when the client does not take it now, or the connection broke (kClosed).
bool Connection::flush() {
  std::string& output = context_.output;
  if (queue_.empty()) {
    if (output.empty()) return true;
    const iovec piece{output.data(), output.size()};
    const std::span pieces(&piece, 1);
    // The last reply and the end of the connection, which follows at once, are one packet.
    const net::IoResult result =
        phase_ == Phase::kEnding ? stream_->write_with_more(pieces) : stream_->write(pieces);
    if (result.state == net::IoResult::State::kFailed) {
      output.clear();
      close();
      return false;
    }
    on_written(result);
    queue_.append_copy(std::string_view(output).substr(result.bytes));
    output.clear();
    was_queued_ = was_queued_ || !queue_.empty();
    return queue_.empty();
  }
  queue_.append_copy(output);
  output.clear();
  const net::IoResult result = queue_.write_to(*stream_);
  on_written(result);
  if (result.file_failed) {
    on_file_failure();
    return false;
  }
  if (result.state == net::IoResult::State::kFailed) {
    queue_.clear();
    close();
    return false;
  }
  return queue_.empty();
}

void Connection::on_written(const net::IoResult& result) noexcept {
  context_.statistics.add(Statistics::kBytesSent, result.bytes);
  progressed_ = progressed_ || result.bytes > 0;
  if (send_watch_ != nullptr) send_watch_->offered += result.bytes;
  if (log_ != nullptr) log_written(result.bytes);
  if (result.again) context_.loop.post(*this);
}

Connection::Step Connection::end_connection() {
  // The client must take this, too, before it can be sure that it has everything.
  if (!stream_->end()) return Step::kWait;
  // With unread input in the socket the kernel would follow close(2) by a reset, which destroys what of the
  // reply is still on its way (RFC 9112 section 9.6). Only a client that announced the end itself, and has
  // taken everything, is not expected to send more.
  if (input_ended_ || broken_ || (!linger_ && !was_queued_ && input_.empty() && !readable_)) {
    close();
    return Step::kWait;
  }
  stream_->finish_writing();
  input_ = {};
  phase_ = Phase::kLingering;
  since_ = context_.loop.now();
  return Step::kAgain;
}

}  // namespace httpd::server
