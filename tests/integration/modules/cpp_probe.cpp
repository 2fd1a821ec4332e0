// A module in C++ that finishes, streams, drops and spoils replies, so that the tests see what the engine
// makes of it. SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <chrono>
#include <cstring>
#include <functional>
#include <list>
#include <memory>
#include <netinet/in.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <httpd/module.h>

namespace {

using httpd::Method;
using httpd::MethodSet;
using httpd::Reply;
using httpd::Request;

constexpr std::string_view kPattern = "0123456789abcdefghijklmnopqrstuvwxyz\n";

std::string pattern(std::size_t size) {
  std::string text;
  text.reserve(size + kPattern.size());
  while (text.size() < size)
    text += kPattern;
  text.resize(size);
  return text;
}

// The number that a path such as "/1000" ends with; 0 where it does not.
std::size_t number_in(std::string_view path) {
  std::size_t number = 0;
  const std::string_view digits = path.substr(path.rfind('/') + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return number;
}

// A handler made from a function.
class Simple : public httpd::Handler {
 public:
  using Function = std::function<void(const Request& request, Reply reply)>;
  Simple(MethodSet methods, Function function) : methods_(methods), function_(std::move(function)) {}
  [[nodiscard]] MethodSet methods() const override { return methods_; }
  void handle(const Request& request, Reply reply) override { function_(request, std::move(reply)); }

 private:
  MethodSet methods_;
  Function function_;
};

// GET /MS: answers after so many milliseconds. GET /gone: how many clients did not wait for that.
class Later : public httpd::Handler {
 public:
  [[nodiscard]] MethodSet methods() const override { return {Method::kGet}; }
  void init_process(httpd::Loop& loop) override { loop_ = &loop; }
  void handle(const Request& request, Reply reply) override {
    kept_.remove_if([](const Kept& kept) { return kept.done; });
    if (request.path() == "/gone") {
      reply.send(std::to_string(gone_));
      return;
    }
    Kept& kept = kept_.emplace_back(Kept{std::move(reply), nullptr, true});  // `done`, should after() throw
    kept.timer = loop_->after(std::chrono::milliseconds(number_in(request.path())), [this, &kept] {
      if (kept.reply.client_gone()) ++gone_;
      kept.reply.send("later");
      kept.done = true;
    });
    kept.done = false;
  }

 private:
  struct Kept {
    Reply reply;
    std::unique_ptr<httpd::Loop::Subscription> timer;
    bool done;
  };
  httpd::Loop* loop_ = nullptr;
  std::list<Kept> kept_;
  int gone_ = 0;
};

// Ten pieces of 1000 bytes, with a pause before each; then what it was told to end with.
class Pieces : public httpd::BodySource {
 public:
  enum class End { kOrderly, kBroken, kThrows };
  explicit Pieces(End end) : end_(end) {}
  std::ptrdiff_t read(std::uint64_t position, char* buffer, std::size_t size) override {
    if (++calls_ % 2 == 1) return kLater;
    if (position >= kTotal) {
      if (end_ == End::kThrows) throw std::runtime_error("a body source that throws");
      return end_ == End::kBroken ? kBroken : kEnd;
    }
    const std::string all = pattern(kTotal);
    const auto piece = std::min<std::size_t>({size, 1000, kTotal - static_cast<std::size_t>(position)});
    std::memcpy(buffer, all.data() + position, piece);
    return static_cast<std::ptrdiff_t>(piece);
  }

 private:
  static constexpr std::size_t kTotal = 10000;
  End end_;
  int calls_ = 0;
};

void stream(const Request& request, Reply reply) {
  if (request.path() == "/broken") {
    reply.stream(std::make_unique<Pieces>(Pieces::End::kBroken));
  } else if (request.path() == "/throws") {
    reply.stream(std::make_unique<Pieces>(Pieces::End::kThrows));
  } else {
    reply.stream(std::make_unique<Pieces>(Pieces::End::kOrderly));
  }
}

// Sets header fields, most of them forbidden: what header() throws leaves through the handler.
void fields(const Request& request, Reply reply) {
  const std::string_view path = request.path();
  if (path == "/good") reply.header("X-Probe", "first").header("X-Probe", "second").status(201);
  if (path == "/name") reply.header("X Probe", "value");
  if (path == "/empty-name") reply.header("", "value");
  if (path == "/value") reply.header("X-Probe", "a\r\nX-Injected: b");
  if (path == "/nul") reply.header("X-Probe", std::string_view("a\0b", 3));
  if (path == "/type") reply.content_type("text/html\r\nX-Injected: b");
  if (path == "/length") reply.header("Content-Length", "5");
  if (path == "/coding") reply.header("transfer-encoding", "chunked");
  if (path == "/connection") reply.header("Connection", "close");
  if (path == "/status-low") reply.status(199);
  if (path == "/status-high") reply.status(600);
  reply.send("fields");
}

// GET /N: a reply with the status N and a body.
void respond(const Request& request, Reply reply) {
  reply.status(static_cast<int>(number_in(request.path()))).send("body");
}

void release(void* context) noexcept {
  delete static_cast<std::string*>(context);
}

// GET /N, /copy/N, /lent/N: a body of N bytes, given in three ways.
void large(const Request& request, Reply reply) {
  std::string body = pattern(number_in(request.path()));
  if (request.path().starts_with("/lent/")) {
    auto lent = std::make_unique<std::string>(std::move(body));
    const char* const data = lent->data();
    const std::size_t size = lent->size();
    reply.send(httpd::LentBytes(data, size, release, lent.release()));
  } else if (request.path().starts_with("/copy/")) {
    reply.send_copy(body);
  } else {
    reply.send(std::move(body));
  }
}

// Lines with numbers: text that becomes shorter, and in which a shift shows.
std::string numbers(std::size_t size) {
  std::string text;
  for (unsigned number = 0; text.size() < size; ++number)
    text += std::to_string(number) + '\n';
  text.resize(size);
  return text;
}

// GET /KIND/N: N bytes of numbers() as a "string", a "copy", "lent" or a "stream", with the status, the type
// and the fields ("Name:value") that the arguments say. It consents to compression.
class Packed : public httpd::Handler {
 public:
  [[nodiscard]] MethodSet methods() const override { return {Method::kGet, Method::kPost}; }
  [[nodiscard]] bool may_be_compressed() const noexcept override { return true; }
  void handle(const Request& request, Reply reply) override {
    for (std::size_t i = 0; i < request.argument_count(); ++i) {
      const auto [name, value] = request.argument_at(i);
      if (name == "status") reply.status(static_cast<int>(number_in(value)));
      if (name == "type") reply.content_type(value);
      if (name == "field") reply.header(value.substr(0, value.find(':')), value.substr(value.find(':') + 1));
    }
    const std::string_view path = request.path();
    auto text = std::make_unique<std::string>(numbers(number_in(path)));
    const std::string_view view = *text;
    if (path.starts_with("/copy/")) {
      reply.send_copy(view);
    } else if (path.starts_with("/lent/")) {
      reply.send(httpd::LentBytes(view.data(), view.size(), release, text.release()));
    } else if (path.starts_with("/stream/")) {
      reply.stream(std::make_unique<Text>(std::move(*text)));
    } else {
      reply.send(std::move(*text));
    }
  }

 private:
  class Text : public httpd::BodySource {
   public:
    explicit Text(std::string text) : text_(std::move(text)) {}
    std::ptrdiff_t read(std::uint64_t position, char* buffer, std::size_t size) override {
      if (position == text_.size()) return kEnd;
      return static_cast<std::ptrdiff_t>(text_.copy(buffer, size, static_cast<std::size_t>(position)));
    }

   private:
    std::string text_;
  };
};

// What of a request reaches a handler, a line each.
void describe(const Request& request, Reply reply) {
  std::string text = "method=" + std::string(httpd::method_name(request.method()));
  text += "\nhead=" + std::to_string(static_cast<int>(request.is_head()));
  text += "\ntarget=" + std::string(request.target());
  text += "\nroot=" + std::string(request.root());
  text += "\npath=" + std::string(request.path());
  text += "\nquery=" + std::string(request.query());
  text += "\nhost=" + std::string(request.field("Host").value_or("(none)"));
  text += "\nprobe=" + std::string(request.field("x-PROBE").value_or("(none)"));
  text += "\ntype=" + std::string(request.media_type());
  for (std::size_t i = 0; i < request.argument_count(); ++i) {
    const auto [name, value] = request.argument_at(i);
    text += "\nargument=" + std::string(name) + ":" + std::string(value);
  }
  text += "\nsize=" + std::to_string(request.body().size()) + "\n";
  reply.send(std::move(text));
}

// The TLS session that a request came over, a line each.
void describe_tls(const Request& request, Reply reply) {
  const httpd::TlsSession* const tls = request.tls();
  if (tls == nullptr) return reply.send("none\n");
  std::string text = "version=" + tls->version;
  text += "\nsuite=" + tls->cipher_suite;
  text += "\nname=" + tls->server_name;
  text += "\nsubject=" + tls->client_subject;
  text += "\nissuer=" + tls->client_issuer;
  text += "\nserial=" + tls->client_serial;
  text += "\nfingerprint=" + tls->client_fingerprint + "\n";
  reply.send(std::move(text));
}

// Who asks, as the engine tells it.
void who(const Request& request, Reply reply) {
  std::array<char, INET6_ADDRSTRLEN> ip{};
  const sockaddr& client = request.client();
  if (client.sa_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(client).sin_addr, ip.data(), ip.size());
  } else if (client.sa_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(client).sin6_addr, ip.data(), ip.size());
  }
  reply.send("user \"" + std::string(request.user()) + "\", authorization \"" +
             std::string(request.field("Authorization").value_or("")) + "\", client \"" + ip.data() + "\"");
}

class CppProbe : public httpd::Module {
 public:
  [[nodiscard]] std::string_view name() const override { return "cpp_probe"; }
  void init(httpd::Host& host) override {
    const MethodSet get{Method::kGet};
    host.register_root(name(), "later", std::make_unique<Later>());
    host.register_root(name(), "packed", std::make_unique<Packed>());
    add(host, "dropped", get, [](const Request&, const Reply&) {});
    add(host, "throws", get,
        [](const Request&, const Reply&) { throw std::runtime_error("thrown on purpose"); });
    add(host, "stream", get, stream);
    add(host, "fields", get, fields);
    add(host, "respond", get, respond);
    add(host, "large", get, large);
    add(host, "tls", get, describe_tls);
    add(host, "who", get, who);
    add(host, "id", get, [](const Request& request, Reply reply) {
      reply.send(std::string(request.field("X-Request-Id").value_or("(none)")));
    });
    add(host, "calls", {Method::kGet, Method::kPost}, [this](const Request& request, Reply reply) {
      if (request.method() == Method::kPost) ++calls_;
      reply.send(std::to_string(calls_));
    });
    add(host, "describe", {Method::kGet, Method::kPost, Method::kPut, Method::kDelete, Method::kPatch},
        describe);
  }

 private:
  int calls_ = 0;  // POST requests to the root "calls"

  void add(httpd::Host& host, std::string_view root, MethodSet methods, const Simple::Function& function) {
    host.register_root(name(), root, std::make_unique<Simple>(methods, function));
  }
};

}  // namespace

HTTPD_MODULE(CppProbe)
