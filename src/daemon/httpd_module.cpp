// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/httpd_module.h"

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "server/parameters.h"

namespace httpd::daemon {
namespace {

constexpr int kReloadFailed = 500;
constexpr std::chrono::seconds kPatience{10};  // clients of MI wait no longer either

MiResult reload(server::ReloadChannel& reloads) {
  const server::ReloadResult result = reloads.request(kPatience);
  if (!result.good) throw MiError(kReloadFailed, "TLS files not reloaded", result.text);
  MiResult certificates = MiResult::array();
  std::istringstream lines(result.text);
  for (std::string line; std::getline(lines, line);)
    certificates.push_back(line);
  return {{"Certificates", std::move(certificates)}};
}

}  // namespace

std::vector<Parameter> HttpdModule::parameters() {
  return server::httpd_parameters(settings_);
}

void HttpdModule::init(Host& host) {
  host.mi().add({"httpd_tls_reload",
                 {"httpd:tls_reload"},
                 "httpd",
                 "reads the TLS certificates and keys again; open connections stay as they are",
                 {{{}, [this](const MiParams&) { return reload(reloads_); }}}});
}

}  // namespace httpd::daemon
