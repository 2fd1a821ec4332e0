// Server-Sent Events: a reply that events are sent on from any later moment
// (https://html.spec.whatwg.org/multipage/server-sent-events.html). Header-only: modules link nothing for it.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <httpd/loop.h>
#include <httpd/reply.h>
#include <httpd/request.h>

namespace httpd {

/// The `id` of the last event that this client has seen, which browsers send when they connect again; "" when
/// there was none. Lives as long as the request.
[[nodiscard]] inline std::string_view last_event_id(const Request& request) noexcept {
  return request.field("Last-Event-ID").value_or(std::string_view());
}

/// One event. The texts are copied when it is sent; they are UTF-8, which is not checked.
struct Event {
  std::string_view event{};              ///< its type, without CR and LF; "" is what clients call "message"
  std::string_view data{};               ///< may have several lines, ended by LF, CR or CR LF; clients see LF
  std::optional<std::string_view> id{};  ///< the client's new last_event_id(), without CR, LF and NUL
  std::optional<std::chrono::milliseconds> retry{};  ///< how long clients wait before they connect again
};

struct EventStreamSettings {
  std::size_t buffer = 64 * 1024;  ///< bytes that may wait for the client, one event at the least
  std::chrono::milliseconds heartbeat = std::chrono::seconds(15);  ///< of silence; 0: none
};

/// A stream of events to one client.
///
/// For one process's event loop, like the Reply that it is made of. It may be moved, and destroyed at any
/// time, also in its own callback; its destruction is close(). The loop must outlive it, which the one that
/// Handler::init_process() gets does.
///
/// A comment after each `heartbeat` of silence finds out whether the client is still there, and keeps proxies
/// from taking the connection for dead. What the client does not read at once waits in the buffer. When an
/// event does not fit, the client is too slow: the stream is over, what waits is dropped, and the connection
/// is cut so that the client sees it. A browser connects again then, and tells its last_event_id().
class EventStream {
 public:
  /// No stream: not open().
  EventStream() noexcept = default;
  /// Sends the head of the reply: 200 unless `reply` has another status, not to be cached by anybody nor held
  /// back by proxies. For a HEAD request the stream is over at once, as if the client were gone. Throws
  /// std::bad_alloc; `reply` answers 500 then.
  EventStream(Reply reply, Loop& loop, const EventStreamSettings& settings = {});
  EventStream(EventStream&& other) noexcept { take(other); }
  EventStream& operator=(EventStream&& other) noexcept {
    if (this != &other) {
      close();
      take(other);
    }
    return *this;
  }
  EventStream(const EventStream&) = delete;
  EventStream& operator=(const EventStream&) = delete;
  ~EventStream() { close(); }

  /// Sends `event`, soon and in order. False when the stream is not open(), or has just ended because the
  /// event did not fit (see overflowed()). Throws std::invalid_argument for a type or an id with a character
  /// that it may not have, and std::bad_alloc; nothing is sent then.
  bool send(const Event& event);
  /// Ends the stream in order: what was sent still goes out. The client takes that for a reason to connect
  /// again, unless it is told by an event to stop, or is answered with 204 when it comes. Nobody is told.
  void close() noexcept;
  /// True while events can be sent.
  [[nodiscard]] bool open() const noexcept { return source_ != nullptr; }
  /// True when the stream ended because the client did not read.
  [[nodiscard]] bool overflowed() const noexcept { return overflowed_; }
  /// Has `callback` called once, on the loop and not from inside another call, when the stream has ended
  /// without close(): the client is gone, or did not read. Where it has ended already this comes soon. A
  /// later call replaces the callback, an empty function takes it away. Throws std::bad_alloc.
  void on_client_gone(std::function<void()> callback);

 private:
  class Source;
  void take(EventStream& other) noexcept;
  void ended(bool overflowed) noexcept;
  void notify();

  Source* source_ = nullptr;  // the engine's; null once it has ended
  Loop* loop_ = nullptr;
  bool overflowed_ = false;
  std::function<void()> gone_;
  std::unique_ptr<Loop::Subscription> notice_;
};

/// The engine's half of a stream. It outlives the other one while the client still has to take something.
class EventStream::Source final : public BodySource {
 public:
  Source(EventStream& stream, Loop& loop, const EventStreamSettings& settings)
      : stream_(&stream), loop_(loop), settings_(settings) {
    rest();
  }
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  ~Source() override {
    if (stream_ != nullptr) stream_->ended(false);
  }
  void held_by(EventStream& stream) noexcept { stream_ = &stream; }

  std::ptrdiff_t read(std::uint64_t /*position*/, char* buffer, std::size_t size) override {
    if (broken_) return kBroken;
    if (waiting_.empty()) return closed_ ? kEnd : kWait;
    const std::size_t count = waiting_.copy(buffer, size, taken_);
    taken_ += count;
    // Most streams are silent most of the time, and then hold nothing.
    if (taken_ == waiting_.size()) {
      std::string().swap(waiting_);
      taken_ = 0;
    }
    return static_cast<std::ptrdiff_t>(count);
  }

  /// False when there is no room: that is the end.
  bool append(std::string_view text) {
    const std::size_t held = waiting_.size() - taken_;
    if (held > 0 && text.size() > settings_.buffer - std::min(held, settings_.buffer)) {
      broken_ = true;
      std::string().swap(waiting_);
      beat_.reset();
      std::exchange(stream_, nullptr)->ended(true);
    } else {
      waiting_.erase(0, std::exchange(taken_, 0));
      waiting_ += text;
      silent_ = false;
    }
    wake();
    return !broken_;
  }

  void finish() noexcept {
    stream_ = nullptr;
    closed_ = true;
    beat_.reset();
    wake();
  }

 private:
  void rest() {
    if (settings_.heartbeat > std::chrono::milliseconds::zero())
      beat_ = loop_.after(settings_.heartbeat, [this] { beat(); });
  }
  void beat() {
    rest();
    // A client that does not take what waits already is no more alive for another comment.
    if (std::exchange(silent_, true) && waiting_.empty()) {
      waiting_ = ":\n\n";
      wake();
    }
  }

  EventStream* stream_;  // null once nobody sends on it
  Loop& loop_;
  const EventStreamSettings settings_;
  std::string waiting_;
  std::size_t taken_ = 0;  // of waiting_, by the engine
  bool silent_ = true;     // no event since the last beat
  bool closed_ = false;
  bool broken_ = false;
  std::unique_ptr<Loop::Subscription> beat_;
};

inline EventStream::EventStream(Reply reply, Loop& loop, const EventStreamSettings& settings) : loop_(&loop) {
  reply.content_type("text/event-stream")
      .header("Cache-Control", "no-store")
      .header("X-Accel-Buffering", "no");  // nginx would collect events otherwise
  auto source = std::make_unique<Source>(*this, loop, settings);
  source_ = source.get();
  reply.stream(std::move(source));
}

inline bool EventStream::send(const Event& event) {
  using namespace std::string_view_literals;
  if (event.event.find_first_of("\r\n"sv) != std::string_view::npos)
    throw std::invalid_argument("an event's type with a line break");
  if (event.id && event.id->find_first_of("\r\n\0"sv) != std::string_view::npos)
    throw std::invalid_argument("an event's id with a line break or a NUL");
  if (source_ == nullptr) return false;

  std::string text;
  const auto add = [&text](std::string_view name, std::string_view value) {
    text.append(name).append(": ").append(value).append("\n");
  };
  if (event.id) add("id", *event.id);
  if (!event.event.empty()) add("event", event.event);
  if (event.retry) add("retry", std::to_string(event.retry->count()));
  for (std::string_view rest = event.data;;) {
    const std::size_t end = rest.find_first_of("\r\n"sv);
    add("data", rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + (rest.substr(end).starts_with("\r\n"sv) ? 2 : 1));
  }
  text += '\n';
  // NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDelete): it does not see that a source takes itself off
  return source_->append(text);
}

inline void EventStream::close() noexcept {
  gone_ = nullptr;
  notice_.reset();
  loop_ = nullptr;
  if (Source* const source = std::exchange(source_, nullptr)) source->finish();
}

inline void EventStream::on_client_gone(std::function<void()> callback) {
  gone_ = std::move(callback);
  notice_.reset();
  if (source_ == nullptr) notify();
}

inline void EventStream::take(EventStream& other) noexcept {
  source_ = std::exchange(other.source_, nullptr);
  loop_ = std::exchange(other.loop_, nullptr);
  overflowed_ = std::exchange(other.overflowed_, false);
  gone_ = std::exchange(other.gone_, nullptr);
  notice_ = std::move(other.notice_);
  if (source_ != nullptr) source_->held_by(*this);
}

inline void EventStream::ended(bool overflowed) noexcept {
  source_ = nullptr;
  overflowed_ = overflowed;
  try {
    notify();
  } catch (...) {
    // No memory to be told with; open() tells.
    gone_ = nullptr;
  }
}

inline void EventStream::notify() {
  if (gone_ && loop_ != nullptr)
    notice_ = loop_->after(std::chrono::milliseconds::zero(), std::exchange(gone_, nullptr));
}

}  // namespace httpd
