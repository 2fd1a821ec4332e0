// The module console: a page for the administrator, under the root path "console".
// SPDX-License-Identifier: GPL-2.0-or-later
#include <string>
#include <string_view>
#include <vector>

#include <httpd/module.h>
#include <httpd/parameter.h>

#include "handlers/console/console.h"

namespace httpd::console {
namespace {

class ConsoleModule final : public Module {
 public:
  [[nodiscard]] std::string_view name() const override { return "console"; }

  [[nodiscard]] std::vector<Parameter> parameters() override {
    return {
        string_parameter("root", [this](const std::string& value) { root_ = value; }),
        integer_parameter(
            "max_viewers", 1, ConsoleSettings::kMostViewers,
            [this](long long value) { settings_.max_viewers = static_cast<std::size_t>(value); }),
    };
  }

  void init(Host& host) override {
    host.register_root(name(), root_, make_console(host.monitor(), host.log(), settings_));
  }

 private:
  std::string root_ = "console";
  ConsoleSettings settings_;
};

}  // namespace
}  // namespace httpd::console

HTTPD_MODULE(httpd::console::ConsoleModule)
