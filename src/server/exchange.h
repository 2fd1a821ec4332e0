// One request and the reply to it: what a handler holds on to while the connection waits.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <httpd/log.h>
#include <httpd/reply.h>
#include <httpd/request.h>

#include "http/arguments.h"
#include "http/media_type.h"
#include "http/parser.h"
#include "net/address.h"
#include "net/event_loop.h"
#include "net/spill_file.h"
#include "server/dispatcher.h"
#include "server/router.h"

namespace httpd::server {

class RequestBoard;

/// The engine's side of Request and Reply. Kept for reuse between requests, with its memory.
class Exchange final : public Request, public ReplyChannel, private net::Task {
 public:
  /// Told when a reply is finished after the handler returned.
  class Owner {
   public:
    virtual void on_reply_finished(Exchange& exchange) noexcept = 0;
    /// The address that the client connected to.
    virtual const net::Address& local_address() noexcept = 0;

   protected:
    ~Owner() = default;
  };
  using Body = std::variant<std::string_view, std::string, LentBytes, std::unique_ptr<BodySource>, FileBody>;

  explicit Exchange(const http::Limits& limits) : parser_(limits), limits_(limits) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  /// Detaches a Reply that somebody still holds.
  ~Exchange();

  /// Makes ready for a new request from this client. `owner` must outlive the request, or orphan() it.
  /// `tls` tells of the client's TLS session; null without one.
  void begin(Owner& owner, const net::Address& client, std::shared_ptr<const TlsSession> tls) noexcept;
  /// True while a handler keeps the Reply, and with it the right to look at the request.
  [[nodiscard]] bool is_held() const noexcept { return holder_ != nullptr; }
  /// The client is gone, but a handler still holds the Reply: `guardian` is told when it lets go. The handler
  /// is told through `loop`, if it asked for that; `log` gets what its callback throws. All must outlive it.
  [[gnu::cold]] void orphan(Owner& guardian, net::EventLoop& loop, Log& log) noexcept;
  /// Shows the request on `board`, which must outlive this, until its end.
  void show_on(RequestBoard& board, net::TimePoint now) noexcept;
  /// What the request is doing now, where it is shown.
  void show_kept(net::TimePoint now) noexcept;
  void show_streaming(net::TimePoint now) noexcept;
  /// Ends the request: a Reply still held goes blind, large memory is given back.
  // NOLINTNEXTLINE(bugprone-exception-escape): giving a variant a view does not throw
  void end() noexcept;

  /// Who the request comes from, where a proxy has told that.
  void set_client(const net::Address& client) noexcept { client_ = client; }
  /// Whose credentials it came with.
  void set_user(std::string_view user) { user_.assign(user); }
  /// The id that handlers see in the field X-Request-Id, and the client in the reply's; "" for none.
  void set_request_id(std::string_view id) { request_id_.assign(id); }
  [[nodiscard]] const std::string& request_id() const noexcept { return request_id_; }
  /// Header lines for the reply, whatever that is, and of whomever.
  void set_access_fields(std::string lines) noexcept { access_fields_ = std::move(lines); }
  [[nodiscard]] const std::string& access_fields() const noexcept { return access_fields_; }

  [[nodiscard]] http::RequestParser& parser() noexcept { return parser_; }
  [[nodiscard]] const http::RequestParser& parser() const noexcept { return parser_; }
  [[nodiscard]] std::string& received_body() noexcept { return body_; }
  /// The body from memory of somebody else's, valid until end(); the byte after it is a NUL. Instead of
  /// received_body().
  void lend_body(std::string_view body) noexcept { lent_body_ = body; }
  /// For a body that a handler in another process will get: moves what has come of it to a file, if that is
  /// much and no form, which is to be split first. `complete`: that was all. False when the system has no
  /// resources for it.
  [[nodiscard]] bool spill_body(bool complete) noexcept;
  /// The body, with a NUL behind it, where spill_body() has moved it; body() is empty then.
  [[nodiscard]] const net::SpillFile& spilled_body() const noexcept { return spilled_; }

  /// Finds the route and everything else that the head tells. Once, after the head is complete.
  http::Refusal route(const Router& router);
  [[nodiscard]] const Route* routed_to() const noexcept { return route_; }
  /// The body's limit by its media type, and the refusal for exceeding it.
  [[nodiscard]] std::pair<std::size_t, http::Refusal> body_limit() const noexcept;
  /// Splits query and form into arguments. Once, after the body is complete.
  http::Refusal read_arguments();

  /// Runs the route's handler or, unless it is null, the dispatcher. False when it threw; `error` says what.
  bool run_handler(Dispatcher* dispatcher, std::string& error);
  /// True when the reply is complete; false when the handler kept it.
  [[nodiscard]] bool finished() const noexcept { return finished_; }
  /// True when the handler let the reply go without sending it.
  [[nodiscard]] bool abandoned() const noexcept { return abandoned_; }

  /// The reply, once finished().
  [[nodiscard]] int status() const noexcept { return status_; }
  [[nodiscard]] std::string_view content_type() const noexcept;
  [[nodiscard]] std::string_view content_type_given() const noexcept { return content_type_; }
  [[nodiscard]] const std::string& reply_fields() const noexcept { return fields_; }
  [[nodiscard]] std::string& reply_fields() noexcept { return fields_; }
  [[nodiscard]] Body& reply_body() noexcept { return reply_body_; }
  /// Replaces the reply by one of the engine's own, in plain text.
  void answer(int status, std::string text);
  /// Replaces the reply by an error with this sentence, in the client's preferred form (RFC 9110 section
  /// 12.5.1): plain text or JSON, see http::error_body().
  [[gnu::cold]] void refuse(int status, std::string_view reason);
  void add_access_fields();
  void add_request_id_field();
  void add_engine_field(std::string_view name, std::string_view value);
  /// Takes over what a handler in another process said: status, content type ("" for the default one) and
  /// header lines, as content_type_given() and reply_fields() of that process's exchange gave them.
  void take_reply_head(int status, std::string_view type, std::string_view fields);

  // Request
  [[nodiscard]] Method method() const noexcept override;
  [[nodiscard]] bool is_head() const noexcept override;
  [[nodiscard]] std::string_view version() const noexcept override;
  [[nodiscard]] std::string_view target() const noexcept override { return parser_.head().target_text; }
  [[nodiscard]] std::string_view root() const noexcept override;
  [[nodiscard]] std::string_view path() const noexcept override { return below_root_; }
  [[nodiscard]] std::string_view query() const noexcept override { return parser_.head().target.query; }
  [[nodiscard]] std::optional<std::string_view> field(std::string_view name) const noexcept override;
  [[nodiscard]] std::size_t preferred_type(std::span<const std::string_view> offered) const noexcept override;
  [[nodiscard]] bool accepts_coding(std::string_view coding) const noexcept override;
  [[nodiscard]] std::optional<std::string_view> argument(std::string_view name) const noexcept override;
  [[nodiscard]] std::size_t argument_count() const noexcept override { return arguments_.size(); }
  [[nodiscard]] std::pair<std::string_view, std::string_view> argument_at(
      std::size_t index) const noexcept override;
  [[nodiscard]] std::string_view media_type() const noexcept override { return media_type_.essence; }
  [[nodiscard]] std::string_view body() const noexcept override {
    return lent_body_.data() == nullptr ? std::string_view(body_) : lent_body_;
  }
  [[nodiscard]] const sockaddr& client() const noexcept override { return client_.get(); }
  [[nodiscard]] const net::Address& client_address() const noexcept { return client_; }
  [[nodiscard]] const net::Address& server_address() const noexcept {
    return gone() ? server_ : owner_->local_address();
  }
  [[nodiscard]] const std::shared_ptr<const TlsSession>& tls_session() const noexcept { return tls_; }
  [[nodiscard]] const sockaddr& server() const noexcept override { return server_address().get(); }
  [[nodiscard]] const TlsSession* tls() const noexcept override { return tls_.get(); }
  [[nodiscard]] std::string_view user() const noexcept override { return user_; }

  // ReplyChannel
  void set_status(int code) override;
  void set_content_type(std::string_view type) override;
  void add_field(std::string_view name, std::string_view value) override;
  void finish(std::string body) override;
  void finish_copy(std::string_view body) override;
  void finish(LentBytes body) override;
  void finish(std::unique_ptr<BodySource> body) override;
  void finish(FileBody body) override;
  void finish(File file) override;
  [[gnu::cold]] void abandon() noexcept override;
  [[nodiscard]] bool gone() const noexcept override { return loop_ != nullptr; }
  void notify_when_gone(std::function<void()> callback) override;
  void held_by(Reply* holder) noexcept override { holder_ = holder; }

 private:
  http::Refusal find_root(const Router& router);
  [[nodiscard]] bool is_form() const noexcept;
  // NOLINTNEXTLINE(bugprone-exception-escape): giving a variant a view does not throw
  void reset_reply() noexcept;
  [[gnu::cold]] [[nodiscard]] std::string begin_refusal(int status, std::string_view reason);
  void complete(Body body) noexcept;
  void run() override;

  http::RequestParser parser_;
  const http::Limits& limits_;
  std::string body_;
  std::string_view lent_body_;
  net::SpillFile spilled_;
  std::string decoded_path_;
  std::string_view below_root_;
  http::MediaType media_type_;
  http::Arguments arguments_;
  const Route* route_ = nullptr;
  Owner* owner_ = nullptr;
  std::shared_ptr<const TlsSession> tls_;
  net::Address client_;
  std::string user_;
  std::string access_fields_;
  std::string request_id_;
  net::Address server_;             // of an orphan, which has no connection to ask
  net::EventLoop* loop_ = nullptr;  // of an orphan alone: where its handler is told
  Log* log_ = nullptr;              // likewise

  RequestBoard* board_ = nullptr;
  std::size_t board_slot_ = 0;

  Reply* holder_ = nullptr;
  std::function<void()> on_gone_;
  int status_ = 200;
  std::string content_type_;  // empty: the default one
  std::string fields_;
  Body reply_body_;
  std::string copied_;  // what reply_body_ shows, where a handler had it copied
  bool in_handler_ = false;
  bool finished_ = false;
  bool abandoned_ = false;
};

}  // namespace httpd::server
