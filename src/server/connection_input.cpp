// From bytes to complete requests. SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <fmt/format.h>
#include <functional>

#include "http/head_scanner.h"
#include "http/reply_head.h"
#include "http/wipe.h"
#include "net/large_pages.h"
#include "server/connection.h"

namespace httpd::server {
namespace {

/// The body of a refused request that is read and dropped so that the connection can live on; a longer one
/// costs more than a new connection does.
constexpr std::uint64_t kDiscardLimit = 256 * 1024;
constexpr std::size_t kReserveLimit = 64 * 1024 * 1024;
constexpr std::size_t kSpillReserve = 128 * 1024;  // where what is more goes to a file
constexpr std::uint64_t kProofOfMuch = 2 * 1024 * 1024;
constexpr int kDiscardReads = 16;

}  // namespace

Connection::Step Connection::read_head() {
  if (phase_ == Phase::kIdle) consume(http::leading_empty_lines(input_));
  if (!input_.empty() && (phase_ == Phase::kHead || input_ != "\r")) {
    if (phase_ == Phase::kIdle) {
      exchange_ = context_.take_exchange();
      exchange_->begin(*this, peer_, tls_);
      if (context_.access_log != nullptr) context_.access_log->begin(log_);
      phase_ = Phase::kHead;
      limit_ = Limit::kNone;
    }
    switch (exchange_->parser().parse_head(input_)) {
      case http::RequestParser::State::kComplete:
        consume(exchange_->parser().head_size());
        return on_head_complete();
      case http::RequestParser::State::kRefused:
        static_cast<void>(context_.admission.charge(place_));
        return refuse(exchange_->parser().refusal(), true);
      case http::RequestParser::State::kMore:
        break;
    }
  }
  return want_input();
}

Connection::Step Connection::on_head_complete() {
  context_.statistics.add(Statistics::kRequests);
  const http::Framing& framing = exchange_->parser().head().framing;
  keep_alive_ = framing.keep_alive;
  was_queued_ = !queue_.empty();
  count_request();
  if (context_.request_ids != nullptr) identify();
  if (requests_read_ > context_.settings.max_pipelined_requests)
    return refuse(http::Refusal::kPipelineTooLong, true);
  return decide();
}

/// Whether the request is served is known; it has a body, or not.
Connection::Step Connection::on_decided() {
  const http::Framing& framing = exchange_->parser().head().framing;
  // A path that could mean two things is answered like a message that could: nothing after it is trusted.
  if (refusal_ == http::Refusal::kMalformedTarget) return refuse(refusal_, true);
  if (framing.body == http::Framing::Body::kNone) return on_message_complete();

  const bool counted = framing.body == http::Framing::Body::kLength;
  if (refusal_ == http::Refusal::kNone) {
    const auto [limit, too_large] = exchange_->body_limit();
    if (counted && framing.length > limit) return refuse(too_large, true);
    if (counted)
      exchange_->received_body().reserve(
          std::min<std::uint64_t>(framing.length, dispatcher() == nullptr ? kReserveLimit : kSpillReserve));
  } else if (framing.expects_continue || framing.unknown_expectation ||
             (counted && framing.length > kDiscardLimit)) {
    // Whether the body comes after this reply is the client's choice, so the connection cannot be kept.
    return refuse(refusal_, true);
  }
  if (framing.expects_continue && input_.empty()) context_.output += http::kContinue;
  phase_ = Phase::kBody;
  limit_ = Limit::kNone;
  since_ = context_.loop.now();
  return Step::kAgain;
}

void Connection::count_request() {
  ++requests_;
  ++requests_read_;
  // 0, no limit, becomes the largest number there is. A limit may have been lowered below what was served.
  const bool last = std::size_t{requests_} - 1 >= context_.settings.max_connection_requests - 1;
  if (!keep_alive_ || (!last && !place_.is_brief())) return;
  keep_alive_ = false;
  linger_ = true;  // the client may have sent more
  if (!last) return;
  if (context_.log.enabled(LogLevel::kInfo) && context_.throttle.admit(context_.log, context_.loop.now()))
    context_.log.write(LogLevel::kInfo,
                       fmt::format("{}: closing the connection after {} requests; parameter "
                                   "max_connection_requests of module httpd moves this limit",
                                   client_text(), requests_));
}

Connection::Step Connection::read_body() {
  const bool wanted = refusal_ == http::Refusal::kNone;
  const auto [limit, too_large] = exchange_->body_limit();
  const std::uint64_t had = exchange_->parser().body_size();
  std::size_t consumed = 0;
  const http::RequestParser::State state =
      exchange_->parser().parse_body(input_, wanted ? &exchange_->received_body() : nullptr,
                                     wanted ? limit : kDiscardLimit, wanted ? too_large : refusal_, consumed);
  consume(consumed);
  if (wanted && had < kProofOfMuch && exchange_->parser().body_size() >= kProofOfMuch) expect_much();
  if (wanted && dispatcher() != nullptr && state != http::RequestParser::State::kRefused &&
      !exchange_->spill_body(state == http::RequestParser::State::kComplete))
    return refuse(http::Refusal::kOutOfResources, state != http::RequestParser::State::kComplete);
  switch (state) {
    case http::RequestParser::State::kComplete:
      return on_message_complete();
    case http::RequestParser::State::kRefused:
      return refuse(exchange_->parser().refusal(), true);
    case http::RequestParser::State::kMore:
      break;
  }
  return want_input();
}

/// The memory for the rest of the body in large pages. Only for a client that has sent as much already: one
/// that announces a large body and sends a byte of it does not get 2 MiB for that.
void Connection::expect_much() noexcept {
  std::string& body = exchange_->received_body();
  net::prefer_large_pages(body.data() + body.size(), body.capacity() - body.size());
}

/// A client that sends faster than it is served must not hold up the others.
bool Connection::has_had_its_share() const noexcept {
  return context_.turn_read >= Context::kReadBufferSize && context_.loop.others_wait();
}

Connection::Step Connection::want_input() {
  if (readable_ && has_had_its_share()) {
    context_.loop.post(*this);
    return Step::kWait;
  }
  switch (fill()) {
    case Fill::kData:
      return Step::kAgain;
    case Fill::kBlocked:
      // The rest of a request that nobody will serve is not waited for.
      if (context_.refusing && !readable_ && (phase_ == Phase::kHead || phase_ == Phase::kBody))
        return refuse(http::Refusal::kShuttingDown, true);
      return Step::kWait;
    case Fill::kEnd:
      return on_input_end();
  }
  return Step::kWait;
}

Connection::Fill Connection::fill() {
  if (input_ended_) return Fill::kEnd;
  if (!readable_) return Fill::kBlocked;
  // What was answered goes out first: the input may turn out to be broken, and the connection with it.
  if (!context_.output.empty() && !flush()) return Fill::kBlocked;
  keep_input();
  char* const buffer = context_.read_buffer.data();
  const net::IoResult result = stream_->read(buffer, Context::kReadBufferSize);
  switch (result.state) {
    case net::IoResult::State::kDone:
      context_.statistics.add(Statistics::kBytesReceived, result.bytes);
      context_.turn_read += result.bytes;
      progressed_ = true;
      requests_read_ = 0;
      if (result.drained && !hung_up_) readable_ = false;
      if (stash_.empty()) {
        input_ = {buffer, result.bytes};
      } else {
        extend_stash({buffer, result.bytes});
        input_ = stash_;
      }
      return Fill::kData;
    case net::IoResult::State::kBlocked:
      readable_ = false;
      return Fill::kBlocked;
    case net::IoResult::State::kEnd:
      input_ended_ = true;
      return Fill::kEnd;
    case net::IoResult::State::kFailed:
      close();
      return Fill::kBlocked;
  }
  return Fill::kBlocked;
}

Connection::Step Connection::on_input_end() {
  if (phase_ != Phase::kIdle) return refuse(http::Refusal::kIncompleteMessage, true);
  phase_ = Phase::kEnding;
  return Step::kAgain;
}

/// What is not needed any more, a password perhaps, is overwritten: here, and wherever the stash is given up.
void Connection::extend_stash(std::string_view more) {
  if (stash_.capacity() - stash_.size() < more.size()) {
    std::string larger;
    larger.reserve(2 * stash_.size() + more.size());
    larger += stash_;
    http::wipe(stash_);
    stash_.swap(larger);
  }
  stash_ += more;
}

/// Moves input that is left over to memory of this connection's own, and gives that back when nothing is
/// left.
void Connection::keep_input() {
  if (input_.empty()) {
    if (!stash_.empty()) http::wipe(stash_);
    // Assigning an empty string would keep the memory.
    if (stash_.capacity() > std::string().capacity()) std::string().swap(stash_);
  } else if (std::greater_equal<>()(input_.data(), stash_.data()) &&
             std::less<>()(input_.data(), stash_.data() + stash_.size())) {
    const std::size_t size = stash_.size();
    stash_.erase(0, size - input_.size());
    const std::size_t left = stash_.size();
    stash_.resize(size, '\0');
    stash_.resize(left);
  } else {
    stash_.assign(input_);
  }
  input_ = stash_;
}

Connection::Step Connection::discard_input() {
  for (int reads = 0; reads < kDiscardReads && !has_had_its_share(); ++reads) {
    if (!readable_) return Step::kWait;
    const net::IoResult result = stream_->read(context_.read_buffer.data(), Context::kReadBufferSize);
    if (result.state == net::IoResult::State::kBlocked) {
      readable_ = false;
    } else if (result.state != net::IoResult::State::kDone) {
      close();
      return Step::kWait;
    } else {
      context_.turn_read += result.bytes;
      progressed_ = true;
    }
  }
  context_.loop.post(*this);
  return Step::kWait;
}

}  // namespace httpd::server
