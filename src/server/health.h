// What load balancers and supervisors ask: is the server alive, and is it to be sent requests?
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

#include <httpd/handler.h>

namespace httpd::server {

struct Settings;
class Context;
class Router;

/// Answers `live` with 200 whenever it can answer at all, and `ready` with 200, or with 503 while the server
/// drains or all handler processes are stuck. Runs in the HTTPD process, whatever limit is reached: see
/// Server::answer_health().
class HealthHandler final : public Handler {
 public:
  /// The server that it tells of from now on, which must outlive its last request; null for none, of which it
  /// says that it is not ready.
  void watch(const Context* context) noexcept { context_ = context; }

  [[nodiscard]] MethodSet methods() const override { return {Method::kGet}; }
  [[nodiscard]] bool never_blocks() const noexcept override { return true; }
  void handle(const Request& request, Reply reply) override;

 private:
  /// Why the server is not ready; "" when it is.
  [[nodiscard]] std::string_view problem() const noexcept;

  const Context* context_ = nullptr;
};

/// Registers the root that the parameter health_root names, if it does. Null if not. Throws ConfigError.
[[nodiscard]] HealthHandler* register_health(const Settings& settings, Router& router);

}  // namespace httpd::server
