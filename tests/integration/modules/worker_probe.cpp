// A module whose handlers block, crash and count, so that the tests see what becomes of the others.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <atomic>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <list>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include <httpd/module.h>

namespace {

using httpd::Method;
using httpd::MethodSet;
using httpd::Reply;
using httpd::Request;

// What all processes count together.
struct Shared {
  std::atomic<int> slept;
  std::atomic<int> told;
};
Shared* shared = nullptr;

long number_in(std::string_view path) {
  long number = 0;
  const std::string_view digits = path.substr(path.rfind('/') + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

std::string own_pid() {
  return std::to_string(getpid());
}

class Simple final : public httpd::Handler {
 public:
  using Function = std::function<void(const Request& request, Reply reply)>;
  Simple(MethodSet methods, Function function) : methods_(methods), function_(std::move(function)) {}
  [[nodiscard]] MethodSet methods() const override { return methods_; }
  void handle(const Request& request, Reply reply) override { function_(request, std::move(reply)); }

 private:
  MethodSet methods_;
  Function function_;
};

// GET /MS: blocks the process for so long.
void sleep_for(const Request& request, Reply reply) {
  ++shared->slept;
  std::this_thread::sleep_for(std::chrono::milliseconds(number_in(request.path())));
  reply.send(own_pid());
}

// GET /kill, /exit, /orderly, /fork: ends the process, in four ways; /later: after the handler has returned.
class Crash final : public httpd::Handler {
 public:
  [[nodiscard]] MethodSet methods() const override { return {Method::kGet}; }
  void init_process(httpd::Loop& loop) override { loop_ = &loop; }
  void handle(const Request& request, Reply reply) override {
    if (request.path() == "/fork" && fork() == 0) {  // a copy that lives on, and has all descriptors
      sleep(2);
      _exit(0);
    }
    if (request.path() == "/kill" || request.path() == "/fork") std::raise(SIGKILL);
    if (request.path() == "/exit") std::_Exit(3);
    if (request.path() == "/orderly") std::exit(0);
    if (request.path() == "/later") {
      kept_.push_back(std::move(reply));
      timer_ = loop_->after(std::chrono::milliseconds(50), [] { std::raise(SIGKILL); });
    }
  }

 private:
  httpd::Loop* loop_ = nullptr;
  std::list<Reply> kept_;
  std::unique_ptr<httpd::Loop::Subscription> timer_;
};

// GET /MS: keeps the reply for so long, and takes note of clients that leave.
class Keep final : public httpd::Handler {
 public:
  [[nodiscard]] MethodSet methods() const override { return {Method::kGet}; }
  void init_process(httpd::Loop& loop) override { loop_ = &loop; }
  void handle(const Request& request, Reply reply) override {
    auto& kept = kept_.emplace_back(std::move(reply), nullptr);
    const auto position = std::prev(kept_.end());
    kept.second = loop_->after(std::chrono::milliseconds(number_in(request.path())), [this, position] {
      position->first.send("kept " + own_pid());
      kept_.erase(position);
    });
    kept.first.on_client_gone([this, position] {
      ++shared->told;
      kept_.erase(position);
    });
  }

 private:
  httpd::Loop* loop_ = nullptr;
  std::list<std::pair<Reply, std::unique_ptr<httpd::Loop::Subscription>>> kept_;
};

// The letters a to z over and over, of which the tests know the digest.
class Letters final : public httpd::BodySource {
 public:
  Letters(std::uint64_t size, bool broken) : size_(size), broken_(broken) {}
  std::ptrdiff_t read(std::uint64_t position, char* buffer, std::size_t size) override {
    if (position == size_) return broken_ ? kBroken : kEnd;
    const std::uint64_t count = std::min<std::uint64_t>(size, size_ - position);
    for (std::uint64_t at = 0; at < count; ++at)
      buffer[at] = static_cast<char>('a' + (position + at) % 26);
    return static_cast<std::ptrdiff_t>(count);
  }

 private:
  std::uint64_t size_;
  bool broken_;
};

// POST: the length and the Adler-32 checksum of the body.
void sum(const Request& request, Reply reply) {
  std::uint32_t a = 1;
  std::uint32_t b = 0;
  for (const char byte : request.body()) {
    a = (a + static_cast<unsigned char>(byte)) % 65521;
    b = (b + a) % 65521;
  }
  const bool terminated = request.body().data()[request.body().size()] == '\0';
  reply.send(std::to_string(request.body().size()) + " " + std::to_string(b << 16U | a) +
             (terminated ? "" : " unterminated"));
}

class WorkerProbe final : public httpd::Module {
 public:
  [[nodiscard]] std::string_view name() const override { return "worker_probe"; }
  void init(httpd::Host& host) override {
    const MethodSet get{Method::kGet};
    shared = new (mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
        Shared{};
    host.register_root(name(), "crash", std::make_unique<Crash>());
    host.register_root(name(), "keep", std::make_unique<Keep>());
    add(host, "sleep", get, sleep_for);
    add(host, "fast", get, [](const Request&, Reply reply) { reply.send(own_pid()); });
    add(host, "counts", get, [](const Request&, Reply reply) {
      reply.send("slept=" + std::to_string(shared->slept) + " told=" + std::to_string(shared->told));
    });
    add(host, "letters", get, [](const Request& request, Reply reply) {
      const auto size = static_cast<std::uint64_t>(number_in(request.path()));
      reply.stream(std::make_unique<Letters>(size, request.path().starts_with("/broken/")));
    });
    add(host, "head", get, [](const Request& request, Reply reply) {
      reply.header("X-Large", std::string(static_cast<std::size_t>(number_in(request.path())), 'x'))
          .send("head");
    });
    add(host, "crowded", get, [](const Request& request, Reply reply) {
      const auto size = static_cast<std::size_t>(number_in(request.path()));
      reply.header("X-Large", std::string(size, 'x')).stream(std::make_unique<Letters>(100'000, false));
    });
    add(host, "large-text", get, [](const Request& request, Reply reply) {
      reply.send(std::string(static_cast<std::size_t>(number_in(request.path())), 't'));
    });
    add(host, "no-file", get,
        [](const Request&, Reply reply) { reply.send(httpd::FileBody(12345, 0, 100)); });
    add(host, "sum", {Method::kPost}, sum);
  }

 private:
  void add(httpd::Host& host, std::string_view root, MethodSet methods, const Simple::Function& function) {
    host.register_root(name(), root, std::make_unique<Simple>(methods, function));
  }
};

}  // namespace

HTTPD_MODULE(WorkerProbe)
