// The handlers that docs/DEVELOPER.md shows beside its module `clock`, word for word, in a module that can be
// asked. SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <cerrno>
#include <cstdint>
#include <fcntl.h>
#include <list>
#include <map>
#include <memory>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/types.h>
#include <utility>
#include <vector>

#include <httpd/event_stream.h>
#include <httpd/file.h>
#include <httpd/module.h>
#include <httpd/parameter.h>

namespace {

class PromptsHandler final : public httpd::Handler {
 public:
  explicit PromptsHandler(int directory) : directory_(directory) {}
  httpd::MethodSet methods() const override { return {httpd::Method::kGet}; }

  void handle(const httpd::Request& request, httpd::Reply reply) override {
    const std::string path(request.path().substr(request.path().empty() ? 0 : 1));
    httpd::File file = httpd::File::open_beneath(directory_, path.c_str());
    if (!file) return reply.status(file.error() == EACCES ? 403 : 404).send("No such prompt\n");
    reply.content_type("audio/vnd.wave").header("Cache-Control", "max-age=60").send_file(std::move(file));
  }

 private:
  int directory_;  // open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), in the module's init()
};

class SlowHandler final : public httpd::Handler {
 public:
  explicit SlowHandler(int worker) : worker_(worker) {}
  httpd::MethodSet methods() const override { return {httpd::Method::kGet}; }

  void init_process(httpd::Loop& loop) override {
    answers_ = loop.watch(worker_, [this] { take_answer(); });
  }

  void handle(const httpd::Request& /*request*/, httpd::Reply reply) override {
    const std::uint32_t number = ++last_;
    if (send(worker_, &number, sizeof number, MSG_DONTWAIT) < 0)
      return reply.status(503).send("Too much to do\n");
    const auto kept = waiting_.emplace(number, std::move(reply)).first;
    kept->second.on_client_gone([this, number] { waiting_.erase(number); });
  }

 private:
  void take_answer() {
    struct {
      std::uint32_t number;
      char text[1000];
    } answer{};
    const ssize_t size = recv(worker_, &answer, sizeof answer, MSG_DONTWAIT);
    if (size < static_cast<ssize_t>(sizeof answer.number)) return;
    const auto kept = waiting_.find(answer.number);
    if (kept == waiting_.end()) return;  // the client did not wait
    kept->second.send(std::string(answer.text, static_cast<std::size_t>(size) - sizeof answer.number));
    waiting_.erase(kept);
  }

  int worker_;
  std::uint32_t last_ = 0;
  std::map<std::uint32_t, httpd::Reply> waiting_;
  std::unique_ptr<httpd::Loop::Subscription> answers_;
};

/// GET /client says whether the client showed the certificate that the guide looks for.
class ClientHandler final : public httpd::Handler {
 public:
  httpd::MethodSet methods() const override { return {httpd::Method::kGet}; }

  void handle(const httpd::Request& request, httpd::Reply reply) override {
    const httpd::TlsSession* const tls = request.tls();
    const bool known = tls != nullptr && tls->client_subject == "CN=probe,O=Example";
    reply.send(known ? "known\n" : "unknown\n");
  }
};

class EventsHandler final : public httpd::Handler {
 public:
  httpd::MethodSet methods() const override { return {httpd::Method::kGet}; }
  void init_process(httpd::Loop& loop) override { loop_ = &loop; }

  void handle(const httpd::Request& /*request*/, httpd::Reply reply) override {
    // std::list<httpd::EventStream> clients_;
    auto client = clients_.emplace(clients_.end(), std::move(reply), *loop_);
    client->on_client_gone([this, client] { clients_.erase(client); });
    client->send({.event = "clock", .data = "12:00", .id = "17"});
  }

 private:
  httpd::Loop* loop_ = nullptr;
  std::list<httpd::EventStream> clients_;
};

/// What takes long: answers each number with a text, until it is told to stop.
void work(int socket, httpd::Process& process) {
  process.ready();
  std::array<pollfd, 2> watched{{{process.stop_descriptor(), POLLIN, 0}, {socket, POLLIN, 0}}};
  while (poll(watched.data(), watched.size(), -1) > 0 && watched[0].revents == 0) {
    struct {
      std::uint32_t number;
      std::array<char, 5> text;
    } answer{0, {'d', 'o', 'n', 'e', '\n'}};
    if (recv(socket, &answer.number, sizeof answer.number, 0) < 0) return;
    if (send(socket, &answer, sizeof answer.number + answer.text.size(), 0) < 0) return;
  }
}

class PartsModule final : public httpd::Module {
 public:
  std::string_view name() const override { return "guide_parts"; }

  std::vector<httpd::Parameter> parameters() override {
    return {httpd::string_parameter("directory", [this](const std::string& value) { directory_ = value; })};
  }

  void init(httpd::Host& host) override {
    const int directory = open(directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
    std::array<int, 2> ends{};
    if (directory < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
      throw httpd::ConfigError("no directory or no sockets");
    host.register_root(name(), "prompts", std::make_unique<PromptsHandler>(directory));
    host.register_root(name(), "slow", std::make_unique<SlowHandler>(ends[0]));
    host.register_root(name(), "client", std::make_unique<ClientHandler>());
    host.register_root(name(), "events", std::make_unique<EventsHandler>());
    host.add_process("slow work", [socket = ends[1]](httpd::Process& process) { work(socket, process); });
  }

 private:
  std::string directory_ = ".";
};

}  // namespace

HTTPD_MODULE(PartsModule)
