// The reply to a request: filled at once, streamed, or kept and finished later.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <httpd/file.h>
#include <httpd/file_body.h>

namespace httpd {

class Reply;

/// A body that the engine pulls, piece by piece, only as fast as the client reads.
class BodySource {
 public:
  enum : std::ptrdiff_t {
    kLater = 0,    ///< nothing to send now; the engine asks again after a moment (20 ms)
    kEnd = -1,     ///< the body is complete
    kBroken = -2,  ///< the body cannot be completed: the connection is cut so that the client sees it
    kWait = -3,    ///< nothing to send until wake() is called; costs neither a timer nor time until then
  };
  /// Whom wake() tells. Only the engine implements it.
  class Waker {
   public:
    virtual void on_wake() noexcept = 0;

   protected:
    ~Waker() = default;
  };

  BodySource() = default;
  BodySource(const BodySource&) = delete;
  BodySource& operator=(const BodySource&) = delete;
  /// When the body ended, or the client left, whichever comes first: also how a source that waits learns that
  /// nobody reads it any more. A client that has only closed its socket is found out by what is sent to it.
  virtual ~BodySource() = default;
  /// Writes at most `size` bytes of the body to `buffer` (`size` > 0) and returns how many, or a constant
  /// above. `position` is the number of bytes returned so far. Called in the process that ran the handler, on
  /// its event loop: must not block. A thrown exception counts as kBroken.
  virtual std::ptrdiff_t read(std::uint64_t position, char* buffer, std::size_t size) = 0;
  /// Tells the engine that read() has something again after kWait or kLater. It is then called in the loop's
  /// next turn, never from inside this call, and as soon as the client has taken what came before. For the
  /// process's event loop alone, at any time while the source exists, also from inside read(); does nothing
  /// where nobody waits for it. Cheap when it is repeated.
  void wake() noexcept {
    if (waker_ != nullptr) waker_->on_wake();
  }
  /// For the engine: who pulls the body from now on; null for nobody.
  void woken_through(Waker* waker) noexcept { waker_ = waker; }

 private:
  Waker* waker_ = nullptr;
};

/// Memory that somebody else owns, lent to the engine until it calls `release(context)`.
/// Large bodies are sent from it without being copied. Move-only; releases once.
class LentBytes {
 public:
  using Release = void (*)(void* context) noexcept;
  /// Who has the bytes until the client has taken them.
  class Borrower {
   public:
    /// The lender would like them back now: whoever can keep what is left of them elsewhere lets go of them.
    virtual void give_back() noexcept = 0;

   protected:
    ~Borrower() = default;
  };
  /// `data` must stay unchanged until `release` is called, which may happen after the connection ended. In
  /// `borrower`, where it is given, a lender finds whom to ask for an early return, or null; it must live
  /// until `release` is called.
  LentBytes(const char* data, std::size_t size, Release release, void* context,
            Borrower** borrower = nullptr) noexcept
      : data_(data), size_(size), release_(release), context_(context), borrower_(borrower) {}
  LentBytes(LentBytes&& other) noexcept
      : data_(other.data_),
        size_(other.size_),
        release_(std::exchange(other.release_, nullptr)),
        context_(other.context_),
        borrower_(std::exchange(other.borrower_, nullptr)) {}
  LentBytes& operator=(LentBytes&& other) noexcept {
    if (this != &other) {
      reset();
      data_ = other.data_;
      size_ = other.size_;
      release_ = std::exchange(other.release_, nullptr);
      context_ = other.context_;
      borrower_ = std::exchange(other.borrower_, nullptr);
    }
    return *this;
  }
  LentBytes(const LentBytes&) = delete;
  LentBytes& operator=(const LentBytes&) = delete;
  ~LentBytes() { reset(); }
  [[nodiscard]] std::string_view view() const noexcept { return {data_, size_}; }
  /// The engine's: who has the bytes from now on, and stays where it is while it does.
  void borrowed_by(Borrower* borrower) noexcept {
    if (borrower_ != nullptr) *borrower_ = borrower;
  }

 private:
  void reset() noexcept {
    borrowed_by(nullptr);
    borrower_ = nullptr;
    if (release_ != nullptr) std::exchange(release_, nullptr)(context_);
  }
  const char* data_;
  std::size_t size_;
  Release release_;
  void* context_;
  Borrower** borrower_;
};

/// The engine's side of a Reply. Only the engine implements it; handlers use Reply.
class ReplyChannel {
 public:
  virtual void set_status(int code) = 0;
  virtual void set_content_type(std::string_view type) = 0;
  virtual void add_field(std::string_view name, std::string_view value) = 0;
  virtual void finish(std::string body) = 0;
  virtual void finish_copy(std::string_view body) = 0;
  virtual void finish(LentBytes body) = 0;
  virtual void finish(std::unique_ptr<BodySource> body) = 0;
  virtual void finish(FileBody body) = 0;
  virtual void finish(File file) = 0;
  /// The Reply was destroyed without being sent.
  virtual void abandon() noexcept = 0;
  /// True when nobody is left to read the reply.
  [[nodiscard]] virtual bool gone() const noexcept = 0;
  /// See Reply::on_client_gone().
  virtual void notify_when_gone(std::function<void()> callback) = 0;
  /// The Reply that holds this channel now stands at `holder`.
  virtual void held_by(Reply* holder) noexcept = 0;

 protected:
  ~ReplyChannel() = default;
};

/// The right and the duty to answer one request.
///
/// A handler gets it by value. It may finish it before returning (send, stream), or move it somewhere and
/// finish it later from the same process's event loop, within the parameter `handler_timeout`. Destroyed
/// unfinished, it answers 500. Once the client is gone, or was answered with 504 for that parameter, what is
/// sent goes nowhere; client_gone() and on_client_gone() tell. Not for use from another thread.
class Reply {
 public:
  explicit Reply(ReplyChannel& channel) noexcept : channel_(&channel) { channel_->held_by(this); }
  Reply(Reply&& other) noexcept : channel_(std::exchange(other.channel_, nullptr)) {
    if (channel_ != nullptr) channel_->held_by(this);
  }
  Reply& operator=(Reply&& other) noexcept {
    if (this != &other) {
      abandon();
      channel_ = std::exchange(other.channel_, nullptr);
      if (channel_ != nullptr) channel_->held_by(this);
    }
    return *this;
  }
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  ~Reply() { abandon(); }

  /// The status code, 200 unless set. Throws std::invalid_argument outside 200–599, and for 426, which needs
  /// an Upgrade field (RFC 9110 section 15.5.22) and nothing to upgrade to is there. The engine adds to a 405
  /// the Allow field and to a 401 the WWW-Authenticate field where the handler has set none.
  Reply& status(int code) {
    if (channel_ != nullptr) channel_->set_status(code);
    return *this;
  }
  /// The Content-Type field's value; "text/plain; charset=utf-8" unless set. Throws as header() does.
  Reply& content_type(std::string_view type) {
    if (channel_ != nullptr) channel_->set_content_type(type);
    return *this;
  }
  /// Adds a header field (RFC 9110 section 5). Both arguments are copied. Throws std::invalid_argument for a
  /// name that is no token, a value with control characters, and the fields that belong to the engine:
  /// Connection, Content-Length, Content-Type, Date, Keep-Alive, Transfer-Encoding, Upgrade.
  Reply& header(std::string_view name, std::string_view value) {
    if (channel_ != nullptr) channel_->add_field(name, value);
    return *this;
  }

  /// Finishes the reply with this body. A large body is kept and sent as it is, without a copy.
  void send(std::string body) {
    if (ReplyChannel* channel = std::exchange(channel_, nullptr)) channel->finish(std::move(body));
  }
  /// The same with a body that the engine copies before it returns.
  void send_copy(std::string_view body) {
    if (ReplyChannel* channel = std::exchange(channel_, nullptr)) channel->finish_copy(body);
  }
  /// The same with memory lent until it is sent.
  void send(LentBytes body) {
    if (ReplyChannel* channel = std::exchange(channel_, nullptr)) channel->finish(std::move(body));
  }
  /// The same with a part of an open file, sent as it is: conditions and ranges are not looked at.
  void send(FileBody body) {
    if (ReplyChannel* channel = std::exchange(channel_, nullptr)) channel->finish(std::move(body));
  }
  /// Finishes the reply with a file, as its request asks for it: conditions (RFC 9110 section 13) may make it
  /// a 304 or a 412, and for GET and a status of 200 ranges (section 14) a 206 or a 416. ETag, Last-Modified
  /// and Accept-Ranges are added; where the handler has added one of the first two itself, that one counts.
  /// Fields that the handler added go with everything but 412 and 416. With a status outside 200 to 299 the
  /// file is sent whole, without these fields. A `file` without one (an error) answers 500.
  void send_file(File file) {
    if (ReplyChannel* channel = std::exchange(channel_, nullptr)) channel->finish(std::move(file));
  }
  /// Finishes the reply with a body of unknown length: chunked for HTTP/1.1 (RFC 9112 section 7.1), ended by
  /// the connection's close for HTTP/1.0. `source` is destroyed when the body ended or the client left. The
  /// head goes out with the first piece, or when read() first says that there is none yet.
  void stream(std::unique_ptr<BodySource> source) {
    if (ReplyChannel* channel = std::exchange(channel_, nullptr)) channel->finish(std::move(source));
  }
  /// Has `callback` called once when the client is gone before the reply is finished: on the loop, and never
  /// from inside handle() or another call of the handler's. client_gone() is true then, the request can still
  /// be looked at, and the Reply may be destroyed in the callback. Where the client is gone already it is
  /// called in the loop's next turn. A later call replaces the callback, an empty function
  /// takes it away. Moving the Reply keeps it; sending or destroying the Reply drops it, and on a Reply that
  /// was sent or moved from this does nothing. Not called when the server itself ends. What the callback
  /// throws ends in the log.
  void on_client_gone(std::function<void()> callback) {
    if (channel_ != nullptr) channel_->notify_when_gone(std::move(callback));
  }
  /// True when there is nobody left to answer: the connection ended, or the reply was sent.
  [[nodiscard]] bool client_gone() const noexcept { return channel_ == nullptr || channel_->gone(); }
  /// For the engine: the channel ended before the reply did.
  void detach() noexcept { channel_ = nullptr; }

 private:
  void abandon() noexcept {
    if (ReplyChannel* channel = std::exchange(channel_, nullptr)) channel->abandon();
  }
  ReplyChannel* channel_;
};

}  // namespace httpd
