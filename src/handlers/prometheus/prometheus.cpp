// The module prometheus: what the host counts, for a monitoring system to scrape, under the root path
// "metrics". SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <httpd/module.h>
#include <httpd/parameter.h>

#include "handlers/prometheus/exposition.h"

namespace httpd::prometheus {
namespace {

class PrometheusHandler final : public Handler {
 public:
  explicit PrometheusHandler(const Metrics& metrics) noexcept : metrics_(metrics) {}

  [[nodiscard]] MethodSet methods() const override { return {Method::kGet}; }
  // Numbers and names that the administrator chose: nothing of a client's.
  [[nodiscard]] bool may_be_compressed() const noexcept override { return true; }

  void handle(const Request& request, Reply reply) override {
    if (!request.path().empty() && request.path() != "/") {
      reply.status(404).send_copy("There is nothing below this path\n");
      return;
    }
    static constexpr std::array<std::string_view, 2> kOffered{"text/plain; version=0.0.4",
                                                              "application/openmetrics-text; version=1.0.0"};
    // Who takes neither gets the older one: a monitoring system is rather served than refused.
    const Format format = request.preferred_type(kOffered) == 1 ? Format::kOpenMetrics : Format::kText;
    reply.content_type(media_type(format)).header("Vary", "Accept").send(expose(metrics_.collect(), format));
  }

 private:
  const Metrics& metrics_;
};

class PrometheusModule final : public Module {
 public:
  [[nodiscard]] std::string_view name() const override { return "prometheus"; }

  [[nodiscard]] std::vector<Parameter> parameters() override {
    return {string_parameter("root", [this](const std::string& value) { root_ = value; })};
  }

  void init(Host& host) override {
    host.register_root(name(), root_, std::make_unique<PrometheusHandler>(host.metrics()));
  }

 private:
  std::string root_ = "metrics";
};

}  // namespace
}  // namespace httpd::prometheus

HTTPD_MODULE(httpd::prometheus::PrometheusModule)
