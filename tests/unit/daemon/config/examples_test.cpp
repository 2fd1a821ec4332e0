// The modules and the configuration file in examples/ do what they say.
// SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <httpd/httpd_load.h>

#include "daemon/config/module_loader.h"
#include "daemon/config/parameters.h"
#include "fake_host.h"

namespace httpd::daemon {
namespace {

/// What the C example registered, and the one argument that it can look up.
struct FakeHttpd {
  std::string root;
  httpd_acces_handler_cb* handler = nullptr;
  httpd_flush_data_cb* flush = nullptr;
  HTTPD_CONTENT_TYPE type = HTTPD_UNKNOWN_CNT_TYPE;
  std::optional<std::string> name;
};

FakeHttpd& fake() {
  static FakeHttpd instance;
  return instance;
}

int fake_register(const char* /*module*/, str* root, httpd_acces_handler_cb* handler,
                  httpd_flush_data_cb* flush, HTTPD_CONTENT_TYPE type, httpd_init_proc_cb* /*init*/) {
  fake() = {std::string(root->s, static_cast<std::size_t>(root->len)), handler, flush, type, std::nullopt};
  return 0;
}

void fake_lookup(void* /*connection*/, const char* key, void* /*con_cls*/, str* value) {
  *value = {nullptr, 0};
  if (std::string_view(key) != "name" || !fake().name) return;
  *value = {fake().name->data(), static_cast<int>(fake().name->size())};
}

extern "C" int fake_bind(httpd_api_t* api) {
  *api = {fake_lookup, fake_register, nullptr};
  return 0;
}

class FakeRequest final : public Request {
 public:
  virtual ~FakeRequest() = default;
  Method asked = Method::kGet;
  std::optional<std::string> name;
  std::string content;

  [[nodiscard]] Method method() const noexcept override { return asked; }
  [[nodiscard]] bool is_head() const noexcept override { return false; }
  [[nodiscard]] std::string_view version() const noexcept override { return "HTTP/1.1"; }
  [[nodiscard]] std::string_view target() const noexcept override { return "/hello-cpp"; }
  [[nodiscard]] std::string_view root() const noexcept override { return "hello-cpp"; }
  [[nodiscard]] std::string_view path() const noexcept override { return ""; }
  [[nodiscard]] std::string_view query() const noexcept override { return ""; }
  [[nodiscard]] std::optional<std::string_view> field(std::string_view /*name*/) const noexcept override {
    return std::nullopt;
  }
  [[nodiscard]] std::optional<std::string_view> argument(std::string_view key) const noexcept override {
    if (key != "name") return std::nullopt;
    return name;
  }
  [[nodiscard]] std::size_t argument_count() const noexcept override { return 0; }
  [[nodiscard]] std::pair<std::string_view, std::string_view> argument_at(
      std::size_t /*i*/) const noexcept override {
    return {};
  }
  [[nodiscard]] std::string_view media_type() const noexcept override { return ""; }
  [[nodiscard]] std::string_view body() const noexcept override { return content; }
  [[nodiscard]] const sockaddr& client() const noexcept override { return address_; }
  [[nodiscard]] const sockaddr& server() const noexcept override { return address_; }

 private:
  sockaddr address_{};
};

class FakeChannel final : public ReplyChannel {
 public:
  virtual ~FakeChannel() = default;
  std::string type;
  std::map<std::string, std::string> fields;
  std::string body;

  void set_status(int /*code*/) override {}
  void set_content_type(std::string_view value) override { type = value; }
  void add_field(std::string_view name, std::string_view value) override {
    fields[std::string(name)] = value;
  }
  void finish(std::string content) override { body = std::move(content); }
  void finish_copy(std::string_view content) override { body = content; }
  void finish(LentBytes /*content*/) override {}
  void finish(std::unique_ptr<BodySource> /*content*/) override {}
  void finish(FileBody /*content*/) override {}
  void finish(File /*content*/) override {}
  void abandon() noexcept override {}
  [[nodiscard]] bool gone() const noexcept override { return false; }
  void notify_when_gone(std::function<void()> /*callback*/) override {}
  void held_by(Reply* /*holder*/) noexcept override {}
};

class HttpdStandIn final : public Module {
 public:
  [[nodiscard]] std::string_view name() const override { return "httpd"; }
  [[nodiscard]] std::vector<Parameter> parameters() override {
    return {{"ip", Parameter::Type::kString, [](const ParameterValue&) {}},
            {"port", Parameter::Type::kInteger, [](const ParameterValue&) {}}};
  }
  void init(Host& /*host*/) override {}
};

class Examples : public testing::Test {
 protected:
  void SetUp() override { fake() = {}; }
  Module& load(const std::string& file) { return loader_.load({{"f.cfg", 1, 1}, file}); }
  void set_root(const std::string& module) {
    apply_parameter({{"f.cfg", 2, 1}, module, "root", "other", {"f.cfg", 2, 9}}, loader_.loaded());
  }
  std::pair<int, std::string> get(const char* method, int buffer_size) {
    std::vector<char> memory(static_cast<std::size_t>(buffer_size));
    str buffer{memory.data(), buffer_size};
    str page{nullptr, 0};
    void* con_cls = nullptr;
    const int status = fake().handler(nullptr, nullptr, "", method, "HTTP/1.1", nullptr, 0, &con_cls, &buffer,
                                      &page, nullptr);
    return {status,
            page.s != nullptr ? std::string(page.s, static_cast<std::size_t>(page.len)) : std::string()};
  }
  ModuleLoader loader_{CONFIG_TEST_EXAMPLE_MODULES,
                       {{"httpd", [] { return std::make_unique<HttpdStandIn>(); }}}};
  FakeHost host_;
};

TEST_F(Examples, CAnswersGet) {
  load("hello_c.so").init(host_);
  EXPECT_EQ(fake().root, "hello");
  EXPECT_EQ(fake().type, HTTPD_TEXT_PLAIN_TYPE);
  EXPECT_EQ(get("GET", 100), std::pair(200, std::string("Hello, world!\n")));
  fake().name = "Ada";
  EXPECT_EQ(get("GET", 100), std::pair(200, std::string("Hello, Ada!\n")));
}

TEST_F(Examples, CRefusesWhatItDoesNotTake) {
  load("hello_c.so").init(host_);
  EXPECT_EQ(get("POST", 100).first, 405);
  EXPECT_EQ(fake().flush(nullptr, 0, nullptr, 0), -1);
}

TEST_F(Examples, CKeepsToItsBuffer) {
  load("hello_c.so").init(host_);
  fake().name = "Ada";
  EXPECT_EQ(get("GET", 13).first, 200);
  EXPECT_EQ(get("GET", 12), std::pair(500, std::string()));
}

TEST_F(Examples, CppAnswersGet) {
  load("hello_cpp.so").init(host_);
  ASSERT_EQ(host_.modules["hello-cpp"], "hello_cpp");
  Handler& handler = *host_.handlers["hello-cpp"];
  EXPECT_TRUE(handler.methods().has(Method::kGet));
  EXPECT_TRUE(handler.methods().has(Method::kPost));
  EXPECT_FALSE(handler.methods().has(Method::kPut));
  FakeRequest request;
  FakeChannel channel;
  handler.handle(request, Reply(channel));
  EXPECT_EQ(channel.body, "Hello, world!\n");
  EXPECT_THAT(channel.fields, testing::ElementsAre(testing::Pair("Cache-Control", "no-store")));
  request.name = "Ada";
  handler.handle(request, Reply(channel));
  EXPECT_EQ(channel.body, "Hello, Ada!\n");
}

TEST_F(Examples, CppEchoes) {
  load("hello_cpp.so").init(host_);
  FakeRequest request;
  FakeChannel channel;
  request.asked = Method::kPost;
  request.content = std::string("a\0b", 3);
  host_.handlers.at("hello-cpp")->handle(request, Reply(channel));
  EXPECT_EQ(channel.body, request.content);
  EXPECT_EQ(channel.type, "application/octet-stream");
}

TEST_F(Examples, RootsCanBeChanged) {
  Module& cpp = load("hello_cpp.so");
  Module& c = load("hello_c.so");
  set_root("hello_.*");
  cpp.init(host_);
  c.init(host_);
  EXPECT_EQ(host_.modules["other"], "hello_cpp");
  EXPECT_EQ(fake().root, "other");
}

TEST_F(Examples, ConfigurationFileLoads) {
  for (const Statement& statement : read_script(CONFIG_TEST_EXAMPLES "/hello.cfg")) {
    if (const auto* line = std::get_if<LoadModule>(&statement)) loader_.load(*line);
    if (const auto* line = std::get_if<SetParameter>(&statement)) apply_parameter(*line, loader_.loaded());
  }
  EXPECT_THAT(loader_.loaded(), testing::SizeIs(3));
}

}  // namespace
}  // namespace httpd::daemon

/// What the example in C asks the daemon for.
httpd_export_f find_export(const char* name, int /*flags*/) {
  if (std::string_view(name) != "httpd_bind") return nullptr;
  // By way of the one function type that compilers let every other one be cast to.
  return reinterpret_cast<httpd_export_f>(reinterpret_cast<void (*)()>(&httpd::daemon::fake_bind));
}
