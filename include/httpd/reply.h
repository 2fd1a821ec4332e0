// The reply to a request: filled at once, streamed, or kept and finished later.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
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
    kLater = 0,    ///< nothing to send now; the engine asks again after a moment
    kEnd = -1,     ///< the body is complete
    kBroken = -2,  ///< the body cannot be completed: the connection is cut so that the client sees it
  };
  virtual ~BodySource() = default;
  /// Writes at most `size` bytes of the body to `buffer` (`size` > 0) and returns how many, or a constant
  /// above. `position` is the number of bytes returned so far. Called in the HTTPD process, on its event
  /// loop: must not block. A thrown exception counts as kBroken.
  virtual std::ptrdiff_t read(std::uint64_t position, char* buffer, std::size_t size) = 0;
};

/// Memory that somebody else owns, lent to the engine until it calls `release(context)`.
/// Large bodies are sent from it without being copied. Move-only; releases once.
class LentBytes {
 public:
  using Release = void (*)(void* context) noexcept;
  /// `data` must stay unchanged until `release` is called, which may happen after the connection ended.
  LentBytes(const char* data, std::size_t size, Release release, void* context) noexcept
      : data_(data), size_(size), release_(release), context_(context) {}
  LentBytes(LentBytes&& other) noexcept
      : data_(other.data_),
        size_(other.size_),
        release_(std::exchange(other.release_, nullptr)),
        context_(other.context_) {}
  LentBytes& operator=(LentBytes&& other) noexcept {
    if (this != &other) {
      reset();
      data_ = other.data_;
      size_ = other.size_;
      release_ = std::exchange(other.release_, nullptr);
      context_ = other.context_;
    }
    return *this;
  }
  LentBytes(const LentBytes&) = delete;
  LentBytes& operator=(const LentBytes&) = delete;
  ~LentBytes() { reset(); }
  [[nodiscard]] std::string_view view() const noexcept { return {data_, size_}; }

 private:
  void reset() noexcept {
    if (release_ != nullptr) std::exchange(release_, nullptr)(context_);
  }
  const char* data_;
  std::size_t size_;
  Release release_;
  void* context_;
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
  /// The Reply that holds this channel now stands at `holder`.
  virtual void held_by(Reply* holder) noexcept = 0;

 protected:
  ~ReplyChannel() = default;
};

/// The right and the duty to answer one request.
///
/// A handler gets it by value. It may finish it before returning (send, stream), or move it somewhere and
/// finish it later from the same process's event loop. Destroyed unfinished, it answers 500. Once the client
/// is gone what is sent goes nowhere; client_gone() tells. Not for use from another thread.
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

  /// The status code, 200 unless set. Throws std::invalid_argument outside 200–599.
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
  /// the connection's close for HTTP/1.0. `source` is destroyed when the body ended or the client left.
  void stream(std::unique_ptr<BodySource> source) {
    if (ReplyChannel* channel = std::exchange(channel_, nullptr)) channel->finish(std::move(source));
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
