// A log that remembers its lines and a daemon with fixed answers, for the tests of the MI commands.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <ctime>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <httpd/log.h>

#include "daemon/mi/registry.h"
#include "daemon/mi/state.h"

namespace httpd::daemon {

class FakeLog final : public Log {
 public:
  [[nodiscard]] bool enabled(LogLevel /*level*/) const noexcept override { return true; }
  void write(LogLevel /*level*/, std::string_view line) noexcept override { lines.emplace_back(line); }
  std::vector<std::string> lines;
};

class FakeState final : public DaemonState {
 public:
  [[nodiscard]] std::vector<ProcessInfo> processes() const override {
    return {{0, 100, "attendant", level}, {1, 101, "HTTPD", httpd_level}};
  }
  void set_log_level(int new_level) override { level = httpd_level = new_level; }
  bool set_log_level(pid_t pid, int new_level) override {
    if (pid != 101) return false;
    httpd_level = new_level;
    return true;
  }
  [[nodiscard]] int log_level() const override { return level; }
  [[nodiscard]] std::vector<Statistic> statistics() const override {
    return {{"core", "uptime", 5, false},
            {"httpd", "requests", 9'000'000'000, true},
            {"httpd", "connections", 3, false},
            {"other", "requests", 7, true}};
  }
  void reset_statistic(std::size_t index) override { reset.push_back(index); }
  [[nodiscard]] std::time_t start_time() const override { return start; }
  [[nodiscard]] std::vector<std::string> arguments() const override {
    return {"opensips-httpd", "-f", "x.cfg"};
  }
  [[nodiscard]] std::string version() const override { return "opensips-httpd (0.1.0 (x86_64/linux))"; }
  [[nodiscard]] std::string revision() const override { return "abc123"; }
  [[nodiscard]] std::vector<Root> roots() const override { return {{"mi", "mi_http"}, {"a/b", "mod"}}; }
  [[nodiscard]] std::vector<server::RequestBoard::Entry> requests() const override {
    using State = server::RequestBoard::State;
    return {
        {State::kRunning, 101, "mi", "POST /mi HTTP/1.1", "192.0.2.1:1000", std::chrono::milliseconds(1500)},
        {State::kQueued, 0, "a/b", "GET /a/b HTTP/1.1", "unix", std::chrono::milliseconds(0)}};
  }

  std::vector<std::size_t> reset;
  int level = 3;
  int httpd_level = 3;
  std::time_t start = std::time(nullptr) - 61;
};

/// Runs `method` with `params` (JSON text, "" for none) and returns the reply's member "result", or "error".
inline nlohmann::ordered_json run_command(MiRegistry& registry, const std::string& method,
                                          const std::string& params = {}) {
  std::string request = R"({"jsonrpc":"2.0","id":1,"method":")" + method + '"';
  if (!params.empty()) request += ",\"params\":" + params;
  const std::optional<std::string> reply = registry.handle(request + "}", false);
  if (!reply) return "no reply";
  nlohmann::ordered_json value = nlohmann::ordered_json::parse(*reply);
  return value.contains("result") ? value["result"] : value["error"];
}

}  // namespace httpd::daemon
