// The module `clock` that docs/DEVELOPER.md shows in pieces, word for word.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <poll.h>
#include <string>
#include <utility>

#include <httpd/module.h>
#include <httpd/parameter.h>

using namespace std::chrono_literals;

class Countdown final : public httpd::BodySource {
 public:
  explicit Countdown(int from) : next_(from) {}
  std::ptrdiff_t read(std::uint64_t /*position*/, char* buffer, std::size_t size) override {
    if (next_ < 0) return kEnd;
    const std::string line = std::to_string(next_--) + "\n";
    return static_cast<std::ptrdiff_t>(line.copy(buffer, size));
  }

 private:
  int next_;
};

class ClockHandler final : public httpd::Handler {
 public:
  httpd::MethodSet methods() const override { return {httpd::Method::kGet}; }

  void init_process(httpd::Loop& loop) override { loop_ = &loop; }

  void handle(const httpd::Request& request, httpd::Reply reply) override {
    if (request.path() == "/count") return reply.stream(std::make_unique<Countdown>(3));
    if (request.path() == "/later") return answer_later(std::move(reply));
    reply.content_type("application/json").header("Cache-Control", "no-store").send("{\"clock\":\"here\"}\n");
  }

 private:
  void answer_later(httpd::Reply reply) {
    waiting_ = std::move(reply);  // one at a time here: a second request answers the first with 500
    timer_ = loop_->after(1s, [this] {
      if (!waiting_->client_gone()) waiting_->send("A second has passed\n");
      waiting_.reset();
    });
  }

  httpd::Loop* loop_ = nullptr;
  std::optional<httpd::Reply> waiting_;
  std::unique_ptr<httpd::Loop::Subscription> timer_;
};

class ClockModule final : public httpd::Module {
 public:
  std::string_view name() const override { return "clock"; }

  std::vector<httpd::Parameter> parameters() override {
    return {httpd::string_parameter("root", [this](const std::string& value) { root_ = value; }),
            httpd::integer_parameter("zone", -12, 14, [this](long long value) { zone_ = value; })};
  }

  void init(httpd::Host& host) override {
    host.register_root(name(), root_, std::make_unique<ClockHandler>());
    host.mi().add({"clock_zone",
                   {"clock:zone"},
                   "clock",
                   "prints the time zone, moved by some hours",
                   {{{}, [this](const httpd::MiParams&) { return httpd::MiResult(zone_); }},
                    {{"hours"}, [this](const httpd::MiParams& params) {
                       if (!params["hours"].is_number_integer())
                         throw httpd::MiError(-32602, "Invalid params", "hours is an integer");
                       return httpd::MiResult(zone_ + params["hours"].get<long long>());
                     }}}});
    host.add_process("clock", [&host](httpd::Process& process) {
      process.ready();
      pollfd stop{process.stop_descriptor(), POLLIN, 0};
      while (poll(&stop, 1, 60'000) == 0)
        host.log().write(httpd::LogLevel::kInfo, "clock: another minute");
    });
  }

 private:
  std::string root_ = "clock";
  long long zone_ = 0;
};

HTTPD_MODULE(ClockModule)
