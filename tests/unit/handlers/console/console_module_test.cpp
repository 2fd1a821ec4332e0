// Tests of the module console through what it exports. SPDX-License-Identifier: GPL-2.0-or-later
#include <exception>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <httpd/module.h>

#include "../fakes.h"
#include "fakes.h"

extern "C" const int httpd_module_abi;
extern "C" httpd::Module* httpd_module_create();

namespace httpd::console {
namespace {

class FakeHost final : public Host {
 public:
  void register_root(std::string_view module, std::string_view root, std::unique_ptr<Handler> made) override {
    registered += std::string(module) + " " + std::string(root) + "\n";
    handler = std::move(made);
  }
  void add_process(std::string description, std::function<void(Process&)> /*main*/) override {
    ADD_FAILURE() << description;
  }
  [[nodiscard]] Mi& mi() noexcept override { std::terminate(); }
  [[nodiscard]] const Metrics& metrics() const noexcept override { std::terminate(); }
  [[nodiscard]] const Monitor& monitor() override { return monitor_; }
  [[nodiscard]] Log& log() noexcept override { return log_; }

  FakeMonitor monitor_;
  FakeLog log_;
  std::string registered;
  std::unique_ptr<Handler> handler;
};

class ConsoleModule : public testing::Test {
 protected:
  void set(std::string_view name, const ParameterValue& value) {
    for (const Parameter& parameter : module_->parameters())
      if (parameter.name == name &&
          (parameter.type == Parameter::Type::kString) == std::holds_alternative<std::string>(value))
        return parameter.set(value);
    ADD_FAILURE() << "no parameter " << name;
  }
  FakeHost host_;
  std::unique_ptr<Module> module_{httpd_module_create()};
};

TEST_F(ConsoleModule, RegistersItsRoot) {
  EXPECT_EQ(httpd_module_abi, HTTPD_MODULE_ABI);
  EXPECT_EQ(module_->name(), "console");
  module_->init(host_);
  EXPECT_EQ(host_.registered, "console console\n");
  EXPECT_TRUE(host_.handler->never_blocks());
  EXPECT_FALSE(host_.handler->may_be_compressed()) << "request lines of others, and what strangers chose";
  FakeChannel channel;
  host_.handler->handle(FakeRequest("/"), Reply(channel));
  EXPECT_EQ(channel.body, "<p>0</p>");
}

TEST_F(ConsoleModule, RootCanBeSet) {
  set("root", "admin/console");
  module_->init(host_);
  EXPECT_EQ(host_.registered, "console admin/console\n");
}

TEST_F(ConsoleModule, MaxViewers) {
  EXPECT_THROW(set("max_viewers", 0LL), ConfigError);
  EXPECT_THROW(set("max_viewers", 1001LL), ConfigError);
  set("max_viewers", 1000LL);
  set("max_viewers", 1LL);
  module_->init(host_);
  FakeLoop loop;
  host_.handler->init_process(loop);
  FakeChannel first;
  FakeChannel second;
  host_.handler->handle(FakeRequest("/events"), Reply(first));
  host_.handler->handle(FakeRequest("/events"), Reply(second));
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(second.status, 503);
  host_.handler.reset();
}

TEST_F(ConsoleModule, WillNotStartWithAPageThatAsksForMore) {
  host_.monitor_.statistics_value.clear();
  EXPECT_THROW(module_->init(host_), ConfigError);
  EXPECT_EQ(host_.registered, "");
}

}  // namespace
}  // namespace httpd::console
