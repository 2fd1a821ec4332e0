// A handler module in C++: GET says hello, POST sends its own body back. See hello.cfg.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <httpd/module.h>
#include <httpd/parameter.h>

namespace {

class HelloHandler final : public httpd::Handler {
 public:
  // Other methods are answered with 405 by the engine; HEAD comes as GET.
  [[nodiscard]] httpd::MethodSet methods() const override {
    return {httpd::Method::kGet, httpd::Method::kPost};
  }

  void handle(const httpd::Request& request, httpd::Reply reply) override {
    if (request.method() == httpd::Method::kPost) {
      reply.content_type("application/octet-stream").send_copy(request.body());
      return;
    }
    const std::string_view name = request.argument("name").value_or("world");
    reply.header("Cache-Control", "no-store").send("Hello, " + std::string(name) + "!\n");
  }
};

class HelloModule final : public httpd::Module {
 public:
  [[nodiscard]] std::string_view name() const override { return "hello_cpp"; }

  [[nodiscard]] std::vector<httpd::Parameter> parameters() override {
    return {httpd::string_parameter("root", [this](const std::string& value) { root_ = value; })};
  }

  void init(httpd::Host& host) override {
    host.register_root(name(), root_, std::make_unique<HelloHandler>());
  }

 private:
  std::string root_ = "hello-cpp";
};

}  // namespace

HTTPD_MODULE(HelloModule)
