// The module mi_http: the Management Interface as JSON-RPC 2.0 over HTTP POST, under the root path "mi".
// SPDX-License-Identifier: GPL-2.0-or-later
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <httpd/module.h>
#include <httpd/parameter.h>

namespace httpd::mi_http {
namespace {

constexpr std::string_view kJson = "application/json";
/// The names that JSON-RPC over HTTP has had for it.
constexpr std::array<std::string_view, 3> kMediaTypes = {kJson, "application/json-rpc",
                                                         "application/jsonrequest"};

class MiHttpHandler final : public Handler {
 public:
  MiHttpHandler(Mi& mi, bool pretty) noexcept : mi_(mi), pretty_(pretty) {}

  [[nodiscard]] MethodSet methods() const override { return {Method::kPost}; }

  void handle(const Request& request, Reply reply) override {
    if (std::find(kMediaTypes.begin(), kMediaTypes.end(), request.media_type()) == kMediaTypes.end()) {
      reply.status(415).send_copy("Send the request with Content-Type: application/json\n");
      return;
    }
    if (request.body().empty()) {
      reply.status(400).send_copy("The request has no body: send a JSON-RPC 2.0 request\n");
      return;
    }
    std::optional<std::string> text = mi_.handle(request.body(), pretty_);
    if (text) {
      reply.content_type(kJson).send(*std::move(text));
    } else {
      reply.status(202).send(std::string());
    }
  }

 private:
  Mi& mi_;
  bool pretty_;
};

class MiHttpModule final : public Module {
 public:
  [[nodiscard]] std::string_view name() const override { return "mi_http"; }

  [[nodiscard]] std::vector<Parameter> parameters() override {
    std::vector<Parameter> list;
    list.push_back(string_parameter("root", [this](const std::string& value) { root_ = value; }));
    list.push_back(
        integer_parameter("pretty_printing", 0, 1, [this](long long value) { pretty_ = value != 0; }));
    return list;
  }

  void init(Host& host) override {
    host.register_root(name(), root_, std::make_unique<MiHttpHandler>(host.mi(), pretty_));
  }

 private:
  std::string root_ = "mi";
  bool pretty_ = false;
};

}  // namespace
}  // namespace httpd::mi_http

HTTPD_MODULE(httpd::mi_http::MiHttpModule)
