// SPDX-License-Identifier: GPL-2.0-or-later
#include "connection_handlers.h"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

#include <httpd/handler.h>

#include "net/unique_fd.h"
#include "require.h"

namespace httpd::fuzz {
namespace {

constexpr std::size_t kLarge = 100'000;  // goes out without being copied

bool is_terminated(std::string_view text) {
  return text.data()[text.size()] == '\0' && text.find('\0') == std::string_view::npos;
}

/// What request.h promises about every request.
void check_request(const Request& request, std::string_view root) {
  require(request.root() == root);
  require(request.method() != Method::kHead && request.method() != Method::kConnect);
  require(!request.is_head() || request.method() == Method::kGet);
  require(request.path().empty() || request.path().front() == '/');
  require(is_terminated(request.path()) && is_terminated(request.version()));
  require(request.target().find(' ') == std::string_view::npos);
  require(request.version() == "HTTP/1.0" || request.field("hOST").has_value());
  for (std::size_t i = 0; i < request.argument_count(); ++i) {
    const auto [name, value] = request.argument_at(i);
    require(is_terminated(name) && is_terminated(value) && request.argument(name).has_value());
  }
  require(request.client().sa_family == AF_INET && request.server().sa_family == AF_INET);
}

class Stream final : public BodySource {
 public:
  Stream(Backstage& backstage, std::string_view way) : backstage_(backstage), way_(way) {}
  ~Stream() override { stop_waiting(); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  std::ptrdiff_t read(std::uint64_t position, char* buffer, std::size_t size) override {
    require(position == given_ && size > 0);
    stop_waiting();
    const std::ptrdiff_t count = next(buffer, size);
    if (count > 0) given_ += static_cast<std::uint64_t>(count);
    return count;
  }

 private:
  std::ptrdiff_t next(char* buffer, std::size_t size) {
    if (way_ == "/empty") return kEnd;
    if (way_ == "/broken" || (way_ == "/cut" && given_ > 0)) {
      backstage_.broken = true;
      return kBroken;
    }
    if (way_ == "/throws") {
      backstage_.broken = true;
      throw std::runtime_error("no more");
    }
    if (way_ == "/waits" && backstage_.waits_left > 0) {
      --backstage_.waits_left;
      ++backstage_.waiting;
      waits_ = true;
      return kLater;
    }
    const std::uint64_t all = way_ == "/large" ? 3 * kLarge : 20;
    const auto count = std::min<std::uint64_t>({size, all - given_, way_ == "/large" ? kLarge : 7});
    if (count == 0) return kEnd;
    std::fill_n(buffer, count, static_cast<char>('a' + given_ % 26));
    return static_cast<std::ptrdiff_t>(count);
  }
  void stop_waiting() {
    if (std::exchange(waits_, false)) --backstage_.waiting;
  }

  Backstage& backstage_;
  std::string way_;
  std::uint64_t given_ = 0;
  bool waits_ = false;
};

LentBytes lend(Backstage& backstage, std::size_t size) {
  static const std::string kBytes(kLarge, 'l');
  ++backstage.lent;
  return {kBytes.data(), size, [](void* context) noexcept { ++static_cast<Backstage*>(context)->released; },
          &backstage};
}

/// A part of a file of kLarge bytes; a longer one cannot be sent whole.
FileBody from_file(Backstage& backstage, std::size_t size) {
  static const net::UniqueFd kFile(::memfd_create("fuzz", MFD_CLOEXEC));
  require(::ftruncate(kFile.get(), kLarge) == 0);
  backstage.broken = backstage.broken || size > kLarge;
  return {::dup(kFile.get()), 0, size};
}

class FuzzHandler : public Handler {
 public:
  FuzzHandler(Backstage& backstage, std::string_view root, MethodSet methods)
      : backstage_(backstage), root_(root), methods_(methods) {}
  [[nodiscard]] MethodSet methods() const override { return methods_; }
  [[nodiscard]] bool may_be_compressed() const noexcept override { return true; }
  void handle(const Request& request, Reply reply) override {
    require(methods_.has(request.method()));
    check_request(request, root_);
    answer(request, reply);
  }

 protected:
  virtual void answer(const Request& request, Reply& reply) = 0;
  [[nodiscard]] Backstage& backstage() { return backstage_; }

 private:
  Backstage& backstage_;
  std::string_view root_;
  MethodSet methods_;
};

class Echo final : public FuzzHandler {
 public:
  using FuzzHandler::FuzzHandler;

 private:
  void answer(const Request& request, Reply& reply) override {
    const std::string_view way = request.path();
    if (way == "/string") return reply.send(std::string(request.body()));
    if (way == "/large") return reply.send(std::string(kLarge, 'x'));
    if (way == "/lent") return reply.send(lend(backstage(), 100));
    if (way == "/lent-large") return reply.send(lend(backstage(), kLarge));
    if (way == "/file") return reply.send(from_file(backstage(), 100));
    if (way == "/file-large") return reply.send(from_file(backstage(), kLarge));
    if (way == "/file-short") return reply.send(from_file(backstage(), kLarge + 1));
    if (way == "/none") return reply.status(204).send_copy(request.body());
    if (way == "/unchanged") return reply.status(304).send(lend(backstage(), 10));
    reply.content_type("application/octet-stream").send_copy(request.body());
  }
};

class Arguments final : public FuzzHandler {
 public:
  using FuzzHandler::FuzzHandler;

 private:
  /// A value with control characters makes header() throw: it must not split the reply.
  void answer(const Request& request, Reply& reply) override {
    std::string text(request.media_type());
    for (std::size_t i = 0; i < request.argument_count(); ++i) {
      const auto [name, value] = request.argument_at(i);
      text.append("\n").append(name).append("=").append(value);
      if (i == 0) reply.header("X-First", value);
    }
    reply.status(request.argument_count() > 3 ? 404 : 200).send(std::move(text));
  }
};

class Streams final : public FuzzHandler {
 public:
  using FuzzHandler::FuzzHandler;

 private:
  void answer(const Request& request, Reply& reply) override {
    reply.stream(std::make_unique<Stream>(backstage(), request.path()));
  }
};

class Later final : public FuzzHandler {
 public:
  using FuzzHandler::FuzzHandler;
  void init_process(Loop& loop) override {
    bell_ = net::UniqueFd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    subscription_ = loop.watch(bell_.get(), [this] { finish_all(); });
  }

 private:
  void answer(const Request& request, Reply& reply) override {
    backstage().kept = true;
    const std::string_view way = request.path();
    if (way == "/outside") {
      backstage().for_harness.push_back(std::move(reply));
    } else if (way == "/never") {
      backstage().forgotten.push_back(std::move(reply));
    } else {
      reply.header("X-Way", way == "/stream" ? "stream" : "plain");
      backstage().for_loop.push_back({std::move(reply), std::string(way)});
      require(::eventfd_write(bell_.get(), 1) == 0);
    }
  }
  void finish_all() {
    eventfd_t count = 0;
    require(::eventfd_read(bell_.get(), &count) == 0);
    std::vector<KeptReply> kept = std::exchange(backstage().for_loop, {});
    for (auto& [reply, way] : kept) {
      if (way == "/drop") continue;
      if (way == "/stream") {
        reply.stream(std::make_unique<Stream>(backstage(), ""));
      } else {
        reply.send_copy("later");
      }
    }
  }
  net::UniqueFd bell_;
  std::unique_ptr<Loop::Subscription> subscription_;
};

class Bad final : public FuzzHandler {
 public:
  using FuzzHandler::FuzzHandler;

 private:
  void answer(const Request& request, Reply& reply) override {
    const std::string_view way = request.path();
    if (way == "/drop") return;
    if (way == "/status") reply.status(600);
    if (way == "/split") reply.header("X-A", "b\r\nX-C: d");
    if (way == "/own") reply.header("content-LENGTH", "5");
    if (way == "/late") {
      reply.send_copy("sent before it went wrong");
      throw std::runtime_error("after the reply");
    }
    throw std::runtime_error("bad");
  }
};

}  // namespace

bool Backstage::finish_outside() {
  std::vector<Reply> replies = std::exchange(for_harness, {});
  for (Reply& reply : replies)
    reply.status(201).send("outside");
  return !replies.empty();
}

void add_handlers(server::Router& router, Backstage& backstage) {
  const auto add = [&]<typename Kind>(std::string_view root, MethodSet methods, std::type_identity<Kind>) {
    router.add("fuzz", root, std::make_unique<Kind>(backstage, root, methods));
  };
  add("echo", {Method::kGet, Method::kPost, Method::kPut}, std::type_identity<Echo>());
  add("args", {Method::kGet, Method::kPost, Method::kDelete}, std::type_identity<Arguments>());
  add("stream", {Method::kGet, Method::kPost}, std::type_identity<Streams>());
  add("later", {Method::kGet, Method::kPost}, std::type_identity<Later>());
  add("bad", {Method::kGet, Method::kPost}, std::type_identity<Bad>());
}

}  // namespace httpd::fuzz
