// A module in C++ with streams and kept replies that are set in motion by a descriptor, and that count what
// becomes of them. SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include <httpd/event_stream.h>
#include <httpd/module.h>

namespace {

using httpd::Method;
using httpd::MethodSet;
using httpd::Reply;
using httpd::Request;

// The process's counts, as GET /counts tells them.
struct Counts {
  std::uint64_t alive = 0;      // sources that exist
  std::uint64_t pulled = 0;     // bytes that sources have given
  std::uint64_t told = 0;       // calls of on_client_gone()
  std::uint64_t overflows = 0;  // streams of events that were too slow
};
Counts counts;

// Something that waits for the bell.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void on_bell() = 0;
};

// A bell that is rung by writing to a descriptor, so that who waits for it does so through the event loop.
class Bell {
 public:
  void hang(httpd::Loop& loop) {
    descriptor_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
    subscription_ = loop.watch(descriptor_, [this] {
      std::uint64_t rung = 0;
      if (::read(descriptor_, &rung, sizeof rung) != sizeof rung) return;
      for (Listener* const listener : std::list<Listener*>(listeners_))
        listener->on_bell();
    });
  }
  void ring() const {
    const std::uint64_t once = 1;
    if (::write(descriptor_, &once, sizeof once) != sizeof once)
      throw std::runtime_error("the bell is stuck");
  }
  std::list<Listener*>& listeners() { return listeners_; }

 private:
  int descriptor_ = -1;
  std::unique_ptr<httpd::Loop::Subscription> subscription_;
  std::list<Listener*> listeners_;
};
Bell bell;

// A stream with a line for each time that the bell rings. "/wait" is woken, "/later" is polled; "/broken" has
// an error in place of its second line, "/end" its end.
class Lines : public httpd::BodySource, private Listener {
 public:
  explicit Lines(std::string_view kind)
      : nothing_(kind == "/later" ? kLater : kWait),
        second_(kind == "/broken" ? kBroken
                : kind == "/end"  ? kEnd
                                  : kWait) {
    bell.listeners().push_back(this);
    ++counts.alive;
  }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;
  ~Lines() override {
    bell.listeners().remove(this);
    --counts.alive;
  }
  std::ptrdiff_t read(std::uint64_t /*position*/, char* buffer, std::size_t size) override {
    if (rung_ == told_) return nothing_;
    if (++told_ == 2 && second_ != kWait) return second_;
    return static_cast<std::ptrdiff_t>(std::string_view("rung\n").copy(buffer, size));
  }

 private:
  void on_bell() override {
    ++rung_;
    if (nothing_ == kWait) wake();
  }
  const std::ptrdiff_t nothing_;
  const std::ptrdiff_t second_;
  int rung_ = 0;
  int told_ = 0;
};

// So many bytes, of which each eight are the number of those before them, beginning anew after a period that
// is no multiple of what buffers hold.
class Numbers : public httpd::BodySource {
 public:
  explicit Numbers(std::uint64_t size) : size_(size) { ++counts.alive; }
  Numbers(const Numbers&) = delete;
  Numbers& operator=(const Numbers&) = delete;
  ~Numbers() override { --counts.alive; }
  std::ptrdiff_t read(std::uint64_t position, char* buffer, std::size_t size) override {
    if (position == size_) return kEnd;
    const std::size_t count = std::min<std::uint64_t>(size, size_ - position) / 8 * 8;
    for (std::size_t at = 0; at < count; at += 8) {
      const std::uint64_t number = (position + at) % kPeriod;
      std::copy_n(reinterpret_cast<const char*>(&number), 8, buffer + at);
    }
    counts.pulled += count;
    return static_cast<std::ptrdiff_t>(count);
  }

 private:
  static constexpr std::uint64_t kPeriod = (std::uint64_t{16} << 20U) + 8;
  std::uint64_t size_;
};

// A reply that is kept: GET /kept until the bell rings, GET /kept/ever for ever.
class Kept : private Listener {
 public:
  Kept(Reply reply, bool for_ever, std::function<void()> done)
      : reply_(std::move(reply)), done_(std::move(done)) {
    if (!for_ever) bell.listeners().push_back(this);
    reply_.on_client_gone([this] {
      ++counts.told;
      done_();
    });
  }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept() override { bell.listeners().remove(this); }

 private:
  void on_bell() override {
    reply_.send("rung\n");
    done_();
  }
  Reply reply_;
  std::function<void()> done_;
};

class Streams : public httpd::Handler {
 public:
  [[nodiscard]] MethodSet methods() const override { return {Method::kGet, Method::kPost}; }
  void init_process(httpd::Loop& loop) override {
    loop_ = &loop;
    bell.hang(loop);
  }
  void handle(const Request& request, Reply reply) override {
    const std::string_view path = request.path();
    if (request.method() == Method::kPost) {
      bell.ring();
      reply.send("");
    } else if (path == "/counts") {
      reply.send("alive=" + std::to_string(counts.alive) + " pulled=" + std::to_string(counts.pulled) +
                 " told=" + std::to_string(counts.told) + " overflows=" + std::to_string(counts.overflows));
    } else if (path.starts_with("/kept")) {
      keep(std::move(reply), path == "/kept/ever");
    } else if (path.starts_with("/numbers/")) {
      std::uint64_t size = 0;
      std::from_chars(path.data() + sizeof("/numbers/") - 1, path.data() + path.size(), size);
      reply.stream(std::make_unique<Numbers>(size));
    } else if (path == "/flood") {
      flood(std::move(reply));
    } else {
      reply.stream(std::make_unique<Lines>(path));
    }
  }

 private:
  void keep(Reply reply, bool for_ever) {
    const auto place = kept_.emplace(kept_.end());
    *place = std::make_unique<Kept>(std::move(reply), for_ever, [this, place] { kept_.erase(place); });
  }
  // Events without end, whether or not the client reads.
  void flood(Reply reply) {
    flood_ = httpd::EventStream(std::move(reply), *loop_);
    flood_.on_client_gone([this] {
      if (flood_.overflowed()) ++counts.overflows;
      timer_.reset();
    });
    pour();
  }
  void pour() {
    while (flood_.send({.data = std::string(1000, 'x')}) && ++poured_ % 32 != 0) {
    }
    timer_ = loop_->after(std::chrono::milliseconds(1), [this] { pour(); });
  }

  httpd::Loop* loop_ = nullptr;
  std::list<std::unique_ptr<Kept>> kept_;
  httpd::EventStream flood_;
  std::unique_ptr<httpd::Loop::Subscription> timer_;
  int poured_ = 0;
};

class StreamProbe : public httpd::Module {
 public:
  [[nodiscard]] std::string_view name() const override { return "stream_probe"; }
  void init(httpd::Host& host) override { host.register_root(name(), "probe", std::make_unique<Streams>()); }
};

}  // namespace

HTTPD_MODULE(StreamProbe)
