// A host that writes down the roots that modules register and has nothing else.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <httpd/module.h>

namespace httpd::daemon {

class FakeHost final : public Host {
 public:
  void register_root(std::string_view module, std::string_view root,
                     std::unique_ptr<Handler> handler) override {
    modules[std::string(root)] = module;
    handlers[std::string(root)] = std::move(handler);
  }
  void add_process(std::string /*description*/, std::function<void(Process& process)> /*main*/) override {}
  [[nodiscard]] Mi& mi() noexcept override { std::terminate(); }
  [[nodiscard]] const Metrics& metrics() const noexcept override { std::terminate(); }
  [[nodiscard]] const Monitor& monitor() override { std::terminate(); }
  [[nodiscard]] Log& log() noexcept override { std::terminate(); }

  std::map<std::string, std::string> modules;
  std::map<std::string, std::unique_ptr<Handler>> handlers;
};

}  // namespace httpd::daemon
