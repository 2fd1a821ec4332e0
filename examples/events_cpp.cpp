// A chat with a clock: a page that shows what everybody posts, as Server-Sent Events. See events.cfg.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <charconv>
#include <chrono>
#include <ctime>
#include <deque>
#include <iterator>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <httpd/event_stream.h>
#include <httpd/module.h>

namespace {

constexpr std::string_view kPage = R"(<!DOCTYPE html>
<html lang="en"><meta charset="utf-8"><title>Events</title>
<p id="clock">not connected</p><ul id="said"></ul>
<form id="form"><input id="text" autofocus> <button>Say</button></form>
<script>
  const base = location.pathname.replace(/\/$/, "");
  const show = (text) => document.getElementById("clock").textContent = text;
  const source = new EventSource(base + "/stream");
  source.onerror = () => show("connecting again");
  source.addEventListener("clock", (event) => show(event.data));
  source.addEventListener("said", (event) => {
    document.getElementById("said").appendChild(document.createElement("li")).textContent = event.data;
  });
  document.getElementById("form").onsubmit = (event) => {
    event.preventDefault();
    const text = document.getElementById("text");
    fetch(base, {method: "POST", headers: {"Content-Type": "text/plain"}, body: text.value});
    text.value = "";
  };
</script>
)";
constexpr std::size_t kRemembered = 20;
constexpr std::size_t kLongest = 300;  // so that what is remembered fits into the buffer of a stream

class EventsHandler final : public httpd::Handler {
 public:
  [[nodiscard]] httpd::MethodSet methods() const override {
    return {httpd::Method::kGet, httpd::Method::kPost};
  }

  void init_process(httpd::Loop& loop) override { loop_ = &loop; }

  void handle(const httpd::Request& request, httpd::Reply reply) override {
    if (request.method() == httpd::Method::kPost) {
      if (request.body().size() > kLongest) return reply.status(413).send("Say less\n");
      say(request.body());
      reply.status(202).send("");
    } else if (request.path() == "/stream") {
      open(request, std::move(reply));
    } else {
      reply.content_type("text/html; charset=utf-8").send_copy(kPage);
    }
  }

 private:
  void open(const httpd::Request& request, httpd::Reply reply) {
    // What this client has missed, if it was here before. Before the reply is used up, for the request goes
    // with it.
    const std::string_view seen = httpd::last_event_id(request);
    unsigned long long next = last_id_ + 1;
    if (unsigned long long id = 0;
        std::from_chars(seen.data(), seen.data() + seen.size(), id).ec == std::errc())
      next = id + 1;

    const auto client = clients_.emplace(clients_.end(), std::move(reply), *loop_);
    // Destroys the stream, and this callback with it, which is allowed.
    client->on_client_gone([this, client] { clients_.erase(client); });
    for (const auto& [id, text] : said_)
      if (id >= next) client->send({.event = "said", .data = text, .id = std::to_string(id)});
    if (clients_.size() == 1) tick();
  }

  void say(std::string_view text) {
    said_.emplace_back(++last_id_, text);
    if (said_.size() > kRemembered) said_.pop_front();
    broadcast({.event = "said", .data = text, .id = std::to_string(last_id_)});
  }

  void tick() {
    if (clients_.empty()) return;
    broadcast({.event = "clock", .data = std::to_string(std::time(nullptr))});
    timer_ = loop_->after(std::chrono::seconds(1), [this] { tick(); });
  }

  // A client that is gone, or too slow, leaves the list by its callback.
  void broadcast(const httpd::Event& event) {
    for (httpd::EventStream& client : clients_)
      client.send(event);
  }

  httpd::Loop* loop_ = nullptr;
  unsigned long long last_id_ = 0;
  std::deque<std::pair<unsigned long long, std::string>> said_;
  std::list<httpd::EventStream> clients_;
  std::unique_ptr<httpd::Loop::Subscription> timer_;
};

class EventsModule final : public httpd::Module {
 public:
  [[nodiscard]] std::string_view name() const override { return "events_cpp"; }
  void init(httpd::Host& host) override {
    host.register_root(name(), "events", std::make_unique<EventsHandler>());
  }
};

}  // namespace

HTTPD_MODULE(EventsModule)
