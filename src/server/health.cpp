// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/health.h"

#include <memory>
#include <string>
#include <utility>

#include "server/context.h"

namespace httpd::server {

void HealthHandler::handle(const Request& request, Reply reply) {
  reply.header("Cache-Control", "no-store");
  if (request.path() == "/live") return reply.send_copy("live\n");
  if (request.path() != "/ready")
    return reply.status(404).send_copy("Ask for \"live\" or \"ready\" below this path\n");
  const std::string_view reason = problem();
  if (reason.empty()) return reply.send_copy("ready\n");
  reply.status(503).send("not ready: " + std::string(reason) + "\n");
}

std::string_view HealthHandler::problem() const noexcept {
  if (context_ == nullptr) return "the server has not begun to serve";
  // After an upgrade another process serves on the same addresses: who asks on an old connection is not to
  // take the server out.
  if (context_->ending || (context_->draining && !context_->leaving)) return "the server is shutting down";
  if (context_->dispatcher != nullptr && context_->dispatcher->is_stuck())
    return "all handler processes are stuck";
  return {};
}

HealthHandler* register_health(const Settings& settings, Router& router) {
  if (settings.health_root.empty()) return nullptr;
  auto handler = std::make_unique<HealthHandler>();
  HealthHandler* const registered = handler.get();
  router.add("httpd", settings.health_root, std::move(handler));
  return registered;
}

}  // namespace httpd::server
