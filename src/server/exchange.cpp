// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/exchange.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <new>
#include <stdexcept>

#include "http/accept.h"
#include "http/accept_encoding.h"
#include "http/characters.h"
#include "http/error_body.h"
#include "http/find_field.h"
#include "http/form.h"
#include "http/multipart.h"
#include "http/reply_head.h"
#include "server/access_log/request_id.h"
#include "server/file_reply.h"
#include "server/handler_call.h"
#include "server/request_board.h"

namespace httpd::server {
namespace {

constexpr std::size_t kKeptCapacity = 64 * 1024;  // what an exchange at rest may hold of each text
constexpr std::size_t kKeptCopy = 16 * 1024;      // a longer copy of a reply is made for it alone
constexpr std::size_t kSpillPiece = 64 * 1024;    // what of a body is in memory before it goes to a file
constexpr std::string_view kDefaultType = "text/plain; charset=utf-8";

/// The fields that frame the message or belong to the connection: a handler that set one could split a reply.
constexpr std::array<std::string_view, 7> kEngineFields{
    "Connection", "Content-Length", "Content-Type", "Date", "Keep-Alive", "Transfer-Encoding", "Upgrade"};

void check_field_value(std::string_view value) {
  if (!http::is_field_value(value)) throw std::invalid_argument("a field value with a control character");
}

void clear(std::string& text) noexcept {
  if (text.capacity() > kKeptCapacity) {
    std::string().swap(text);  // assigning it would keep the memory
  } else {
    text.clear();
  }
}

}  // namespace

Exchange::~Exchange() {
  if (holder_ != nullptr) holder_->detach();
  if (board_ != nullptr) board_->close(board_slot_);
}

void Exchange::show_on(RequestBoard& board, net::TimePoint now) noexcept {
  board_ = &board;
  board_slot_ = board.open(*this, RequestBoard::State::kRunning, board.writer(), now);
}

void Exchange::show_kept(net::TimePoint now) noexcept {
  if (board_ != nullptr) board_->change(board_slot_, RequestBoard::State::kKept, board_->writer(), now);
}

void Exchange::show_streaming(net::TimePoint now) noexcept {
  if (board_ != nullptr) board_->change(board_slot_, RequestBoard::State::kStreaming, board_->writer(), now);
}

void Exchange::begin(Owner& owner, const net::Address& client,
                     std::shared_ptr<const TlsSession> tls) noexcept {
  owner_ = &owner;
  client_ = client;
  tls_ = std::move(tls);
}

void Exchange::orphan(Owner& guardian, net::EventLoop& loop, Log& log) noexcept {
  server_ = owner_->local_address();
  owner_ = &guardian;
  loop_ = &loop;
  log_ = &log;
  if (on_gone_) loop.post(*this);
}

void Exchange::notify_when_gone(std::function<void()> callback) {
  // Destroying the old one may destroy the Reply, and with it this exchange.
  std::swap(on_gone_, callback);
  if (loop_ != nullptr) loop_->post(*this);
}

void Exchange::run() {
  const std::function<void()> callback = std::exchange(on_gone_, nullptr);
  // This exchange may be gone when it returns.
  if (callback) call_handler(callback, *log_);
}

// NOLINTNEXTLINE(bugprone-exception-escape): giving a variant a view does not throw
void Exchange::end() noexcept {
  if (holder_ != nullptr) std::exchange(holder_, nullptr)->detach();
  if (board_ != nullptr) std::exchange(board_, nullptr)->close(board_slot_);
  parser_.reset();
  clear(body_);
  spilled_.reset();
  lent_body_ = {};
  clear(decoded_path_);
  below_root_ = {};
  media_type_.essence.clear();
  media_type_.boundary.clear();
  arguments_.clear();
  route_ = nullptr;
  owner_ = nullptr;
  tls_.reset();
  user_.clear();
  access_fields_.clear();
  request_id_.clear();
  loop_ = nullptr;
  log_ = nullptr;
  net::ListNode<net::Task>::unlink();
  reset_reply();
}

// NOLINTNEXTLINE(bugprone-exception-escape): giving a variant a view does not throw
void Exchange::reset_reply() noexcept {
  status_ = 200;
  content_type_.clear();
  fields_.clear();
  on_gone_ = nullptr;
  // What its destructor does is no news for a connection that is done with it.
  if (const auto* const source = std::get_if<std::unique_ptr<BodySource>>(&reply_body_);
      source != nullptr && *source != nullptr)
    (*source)->woken_through(nullptr);
  reply_body_ = std::string_view();
  in_handler_ = finished_ = abandoned_ = false;
}

http::Refusal Exchange::route(const Router& router) {
  reset_reply();
  const http::RequestHead& head = parser_.head();
  for (const http::FieldLine& line : head.fields)
    if (line.id == http::FieldId::kContentType) {
      http::parse_media_type(line.value, media_type_);
      break;
    }
  // The root first, whatever is wrong besides: it says what the rules of access are.
  const http::Refusal of_path = find_root(router);
  if (!head.method || *head.method == Method::kConnect) return http::Refusal::kUnknownMethod;
  if (head.target.is_https && tls_ == nullptr) return http::Refusal::kMisdirected;
  if (head.framing.unknown_expectation) return http::Refusal::kUnknownExpectation;
  if (of_path != http::Refusal::kNone || route_ == nullptr) return of_path;
  return route_->methods.has(*head.method) ? http::Refusal::kNone : http::Refusal::kMethodNotAllowed;
}

http::Refusal Exchange::find_root(const Router& router) {
  const http::RequestHead& head = parser_.head();
  route_ = nullptr;
  if (head.target.form != http::Target::Form::kOrigin && head.target.form != http::Target::Form::kAbsolute)
    return http::Refusal::kNone;
  std::string_view path = head.target.path;
  decoded_path_.clear();
  if (!http::decode_path(path, decoded_path_)) return http::Refusal::kMalformedTarget;
  path = decoded_path_;
  route_ = router.find(path);
  if (route_ == nullptr) return http::Refusal::kNoSuchRoot;
  below_root_ = path.substr(1 + route_->root.size());
  return http::Refusal::kNone;
}

bool Exchange::is_form() const noexcept {
  return http::is_urlencoded_form(media_type_.essence) || http::is_multipart_form(media_type_.essence);
}

std::pair<std::size_t, http::Refusal> Exchange::body_limit() const noexcept {
  if (is_form()) return {limits_.max_form_size, http::Refusal::kFormTooLarge};
  return {limits_.receive_buf_size, http::Refusal::kBodyTooLarge};
}

http::Refusal Exchange::read_arguments() {
  arguments_.clear();
  if (const std::string_view form = body(); !form.empty()) {
    const http::FormLimits form_limits{limits_.post_buf_size, limits_.max_form_fields,
                                       http::Refusal::kTooManyFormFields};
    http::Refusal refusal = http::Refusal::kNone;
    if (http::is_urlencoded_form(media_type_.essence)) {
      refusal = http::parse_urlencoded(form, form_limits, arguments_);
    } else if (http::is_multipart_form(media_type_.essence)) {
      refusal = http::parse_multipart(form, media_type_.boundary, form_limits, arguments_);
    }
    if (refusal != http::Refusal::kNone) return refusal;
  }
  if (query().empty()) return http::Refusal::kNone;
  // The target's own limit bounds the size of its pairs.
  return http::parse_urlencoded(query(), {0, limits_.max_form_fields, http::Refusal::kTooManyQueryFields},
                                arguments_);
}

bool Exchange::run_handler(Dispatcher* dispatcher, std::string& error) {
  in_handler_ = true;
  bool good = false;
  try {
    if (dispatcher != nullptr) {
      dispatcher->dispatch(*this, Reply(*this));
    } else {
      route_->handler->handle(*this, Reply(*this));
    }
    good = true;
  } catch (const std::exception& exception) {
    error = exception.what();
  } catch (...) {
    error = "an exception that is no std::exception";
  }
  in_handler_ = false;
  if (!good && holder_ != nullptr) std::exchange(holder_, nullptr)->detach();
  return good;
}

void Exchange::answer(int status, std::string text) {
  reset_reply();
  status_ = status;
  reply_body_ = std::move(text);
  finished_ = true;
}

void Exchange::refuse(int status, std::string_view reason) {
  reset_reply();
  reply_body_ = begin_refusal(status, reason);
  finished_ = true;
}

/// Sets status and header of an error, and returns its body.
std::string Exchange::begin_refusal(int status, std::string_view reason) {
  const bool as_json = http::prefers_json(parser_.head().fields);
  std::string body = http::error_body(status, reason, as_json);
  status_ = status;
  content_type_ = as_json ? "application/json" : "";
  // Some of these statuses may be kept by caches (RFC 9110 section 15.1), and some depend on Accept.
  fields_ = "Cache-Control: no-store\r\n";
  return body;
}

bool Exchange::spill_body(bool complete) noexcept {
  const bool begun = spilled_.size() != 0;
  if (is_form() || (!(begun && complete) && body_.size() < kSpillPiece)) return true;
  if (!spilled_.append(body_)) return false;
  body_.clear();
  return !complete || (spilled_.append(std::string_view("", 1)) && spilled_.seal());
}

void Exchange::take_reply_head(int status, std::string_view type, std::string_view fields) {
  content_type_.assign(type);
  fields_.assign(fields);
  status_ = status;
}

/// A handler that has rules of its own for pages of other origins knows better.
void Exchange::add_access_fields() {
  if (!access_fields_.empty() && !http::has_field(fields_, "Access-Control-Allow-Origin"))
    fields_ += access_fields_;
}

/// A handler that has asked others, and tells their id, knows better.
void Exchange::add_request_id_field() {
  if (!http::has_field(fields_, kRequestIdField)) add_engine_field(kRequestIdField, request_id_);
}

void Exchange::add_engine_field(std::string_view name, std::string_view value) {
  fields_ += name;
  fields_ += ": ";
  fields_ += value;
  fields_ += "\r\n";
}

std::string_view Exchange::content_type() const noexcept {
  return content_type_.empty() ? kDefaultType : std::string_view(content_type_);
}

Method Exchange::method() const noexcept {
  const Method method = parser_.head().method.value_or(Method::kGet);
  return method == Method::kHead ? Method::kGet : method;
}

bool Exchange::is_head() const noexcept {
  return parser_.head().method == Method::kHead;
}

std::string_view Exchange::version() const noexcept {
  return parser_.head().http_1_0 ? std::string_view("HTTP/1.0") : std::string_view("HTTP/1.1");
}

std::string_view Exchange::root() const noexcept {
  return route_ == nullptr ? std::string_view() : std::string_view(route_->root);
}

std::optional<std::string_view> Exchange::field(std::string_view name) const noexcept {
  if (!request_id_.empty() && http::iequals(name, kRequestIdField)) return request_id_;
  return http::find_field(parser_.head().fields, name);
}

std::size_t Exchange::preferred_type(std::span<const std::string_view> offered) const noexcept {
  return http::preferred_type(parser_.head().fields, offered);
}

bool Exchange::accepts_coding(std::string_view coding) const noexcept {
  return http::accepts_coding(parser_.head().fields, coding);
}

std::optional<std::string_view> Exchange::argument(std::string_view name) const noexcept {
  return arguments_.find(name);
}

std::pair<std::string_view, std::string_view> Exchange::argument_at(std::size_t index) const noexcept {
  return arguments_.at(index);
}

void Exchange::set_status(int code) {
  if (code < 200 || code > 599) throw std::invalid_argument("a reply's status is 200 to 599");
  // RFC 9110 section 15.5.22: it comes with an Upgrade field, and there is nothing to upgrade to.
  if (code == 426) throw std::invalid_argument("a reply's status is not 426");
  status_ = code;
}

void Exchange::set_content_type(std::string_view type) {
  check_field_value(type);
  content_type_.clear();
  content_type_.append(type);
}

void Exchange::add_field(std::string_view name, std::string_view value) {
  if (!http::is_token(name)) throw std::invalid_argument("a field name that is no token");
  check_field_value(value);
  for (const std::string_view reserved : kEngineFields)
    if (http::iequals(name, reserved))
      throw std::invalid_argument("the field " + std::string(reserved) + " belongs to the engine");
  add_engine_field(name, value);
}

void Exchange::complete(Body body) noexcept {
  // Destroyed last: with it the holder of the Reply may go.
  const std::function<void()> dropped = std::exchange(on_gone_, nullptr);
  reply_body_ = std::move(body);
  holder_ = nullptr;
  finished_ = true;
  // Last: an orphan is gone after this.
  if (!in_handler_ && owner_ != nullptr) owner_->on_reply_finished(*this);
}

void Exchange::finish(std::string body) {
  complete(std::move(body));
}

void Exchange::finish_copy(std::string_view body) {
  holder_ = nullptr;  // the Reply has let go already, whatever happens here
  try {
    if (body.size() > kKeptCopy) return complete(std::string(body));
    copied_.clear();
    copied_.append(body);
    complete(std::string_view(copied_));
  } catch (const std::bad_alloc&) {
    abandon();
  }
}

void Exchange::finish(LentBytes body) {
  complete(std::move(body));
}

void Exchange::finish(std::unique_ptr<BodySource> body) {
  if (body == nullptr) return abandon();
  complete(std::move(body));
}

void Exchange::finish(FileBody body) {
  complete(std::move(body));
}

void Exchange::finish(File file) {
  holder_ = nullptr;  // the Reply has let go already, whatever happens here
  if (!file) return abandon();
  try {
    FileReply reply = make_file_reply({parser_.head(), status_, content_type(), fields_, std::time(nullptr)},
                                      std::move(file));
    status_ = reply.status;
    content_type_ = std::move(reply.content_type);
    fields_ = std::move(reply.fields);
    std::visit([this](auto& body) { complete(std::move(body)); }, reply.body);
  } catch (const std::bad_alloc&) {
    abandon();
  }
}

void Exchange::abandon() noexcept {
  abandoned_ = true;
  Body body;
  try {
    body = begin_refusal(500, "The handler did not answer");
  } catch (const std::bad_alloc&) {
    status_ = 500;
    content_type_.clear();
    fields_.clear();
  }
  complete(std::move(body));
}

}  // namespace httpd::server
