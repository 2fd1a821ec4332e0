// Tests of the module mi_http through what it exports.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include <httpd/module.h>

#include "fakes.h"

extern "C" const int httpd_module_abi;
extern "C" httpd::Module* httpd_module_create();

namespace httpd {
namespace {

// NOLINTNEXTLINE(cppcoreguidelines-virtual-class-destructor): final, and never deleted through its base
class FakeRequest final : public Request {
 public:
  FakeRequest(std::string_view media_type, std::string_view body) : media_type_(media_type), body_(body) {}
  [[nodiscard]] Method method() const noexcept override { return Method::kPost; }
  [[nodiscard]] bool is_head() const noexcept override { return false; }
  [[nodiscard]] std::string_view version() const noexcept override { return "HTTP/1.1"; }
  [[nodiscard]] std::string_view target() const noexcept override { return "/mi"; }
  [[nodiscard]] std::string_view root() const noexcept override { return "mi"; }
  [[nodiscard]] std::string_view path() const noexcept override { return ""; }
  [[nodiscard]] std::string_view query() const noexcept override { return ""; }
  [[nodiscard]] std::optional<std::string_view> field(std::string_view /*name*/) const noexcept override {
    return std::nullopt;
  }
  [[nodiscard]] std::optional<std::string_view> argument(std::string_view /*name*/) const noexcept override {
    return std::nullopt;
  }
  [[nodiscard]] std::size_t argument_count() const noexcept override { return 0; }
  [[nodiscard]] std::pair<std::string_view, std::string_view> argument_at(
      std::size_t /*index*/) const noexcept override {
    return {};
  }
  [[nodiscard]] std::string_view media_type() const noexcept override { return media_type_; }
  [[nodiscard]] std::string_view body() const noexcept override { return body_; }
  [[nodiscard]] const sockaddr& client() const noexcept override { return address_; }
  [[nodiscard]] const sockaddr& server() const noexcept override { return address_; }

 private:
  std::string_view media_type_;
  std::string_view body_;
  sockaddr address_{};
};

// NOLINTNEXTLINE(cppcoreguidelines-virtual-class-destructor): final, and never deleted through its base
class FakeChannel final : public ReplyChannel {
 public:
  void set_status(int code) override { status = code; }
  void set_content_type(std::string_view value) override { type = value; }
  void add_field(std::string_view name, std::string_view /*value*/) override { ADD_FAILURE() << name; }
  void finish(std::string text) override { end(std::move(text)); }
  void finish_copy(std::string_view text) override { end(std::string(text)); }
  void finish(LentBytes bytes) override { end(std::string(bytes.view())); }
  void finish(std::unique_ptr<BodySource> /*source*/) override { ADD_FAILURE() << "streamed"; }
  void finish(FileBody /*body*/) override { ADD_FAILURE() << "from a file"; }
  void finish(File /*file*/) override { ADD_FAILURE() << "from a file"; }
  void abandon() noexcept override { ADD_FAILURE() << "abandoned"; }
  [[nodiscard]] bool gone() const noexcept override { return false; }
  void notify_when_gone(std::function<void()> /*callback*/) override {}
  void held_by(Reply* /*holder*/) noexcept override {}

  int status = 200;
  std::string type;
  std::string body;
  int finished = 0;

 private:
  void end(std::string text) {
    body = std::move(text);
    ++finished;
  }
};

class FakeHost final : public Host {
 public:
  void register_root(std::string_view module, std::string_view root,
                     std::unique_ptr<Handler> handler) override {
    registered.emplace_back(std::string(module) + " " + std::string(root));
    handlers.push_back(std::move(handler));
  }
  void add_process(std::string description, std::function<void(Process&)> /*main*/) override {
    ADD_FAILURE() << description;
  }
  [[nodiscard]] Mi& mi() noexcept override { return mi_; }
  [[nodiscard]] const Metrics& metrics() const noexcept override { std::terminate(); }
  [[nodiscard]] const Monitor& monitor() override { std::terminate(); }
  [[nodiscard]] Log& log() noexcept override { return log_; }

  std::vector<std::string> registered;
  std::vector<std::unique_ptr<Handler>> handlers;
  FakeMi mi_;
  FakeLog log_;
};

void set(Module& module, std::string_view name, const ParameterValue& value) {
  const bool is_string = std::holds_alternative<std::string>(value);
  for (const Parameter& parameter : module.parameters()) {
    if (parameter.name != name || (parameter.type == Parameter::Type::kString) != is_string) continue;
    parameter.set(value);
    return;
  }
  ADD_FAILURE() << "no parameter " << name;
}

class MiHttp : public testing::Test {
 protected:
  FakeChannel post(std::string_view media_type, std::string_view body) {
    FakeChannel channel;
    const FakeRequest request(media_type, body);
    host_.handlers.at(0)->handle(request, Reply(channel));
    EXPECT_EQ(channel.finished, 1);
    return channel;
  }
  FakeHost host_;
  std::unique_ptr<Module> module_{httpd_module_create()};
};

TEST_F(MiHttp, RegistersItsRoot) {
  EXPECT_EQ(httpd_module_abi, HTTPD_MODULE_ABI);
  EXPECT_EQ(module_->name(), "mi_http");
  module_->init(host_);
  EXPECT_EQ(host_.registered, (std::vector<std::string>{"mi_http mi"}));
  const MethodSet methods = host_.handlers.at(0)->methods();
  EXPECT_TRUE(methods.has(Method::kPost));
  EXPECT_FALSE(methods.has(Method::kGet));
}

TEST_F(MiHttp, RootCanBeSet) {
  set(*module_, "root", "json/rpc");
  module_->init(host_);
  EXPECT_EQ(host_.registered, (std::vector<std::string>{"mi_http json/rpc"}));
}

TEST_F(MiHttp, PrettyPrintingBounds) {
  EXPECT_THROW(set(*module_, "pretty_printing", -1), ConfigError);
  EXPECT_THROW(set(*module_, "pretty_printing", 2), ConfigError);
  set(*module_, "pretty_printing", 0);
  set(*module_, "pretty_printing", 1);
  module_->init(host_);
  EXPECT_EQ(post("application/json", "{}").body, "<<{}>>");
}

TEST_F(MiHttp, AnswersWithJson) {
  module_->init(host_);
  for (const char* type : {"application/json", "application/json-rpc", "application/jsonrequest"}) {
    const FakeChannel reply = post(type, "[1]");
    EXPECT_EQ(reply.status, 200) << type;
    EXPECT_EQ(reply.type, "application/json");
    EXPECT_EQ(reply.body, "<[1]>");
  }
}

TEST_F(MiHttp, NotificationIsAcceptedWithoutABody) {
  module_->init(host_);
  const FakeChannel reply = post("application/json", "notify");
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(reply.body, "");
}

TEST_F(MiHttp, RefusesOtherMediaTypes) {
  module_->init(host_);
  for (const char* type :
       {"", "text/plain", "text/json", "application/jsonx", "application/x-www-form-urlencoded"}) {
    const FakeChannel reply = post(type, "{}");
    EXPECT_EQ(reply.status, 415) << type;
    EXPECT_EQ(reply.body, "Send the request with Content-Type: application/json\n");
  }
  EXPECT_TRUE(host_.mi_.requests().empty());
}

TEST_F(MiHttp, RefusesAnEmptyBody) {
  module_->init(host_);
  EXPECT_EQ(post("application/json", "").status, 400);
  EXPECT_TRUE(host_.mi_.requests().empty());
}

}  // namespace
}  // namespace httpd
