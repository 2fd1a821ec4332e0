// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/httpd_module.h"

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "daemon/reconfigurer.h"
#include "server/parameters.h"

namespace httpd::daemon {
namespace {

constexpr int kReloadFailed = 500;
constexpr int kNoAccessLog = 404;
constexpr std::chrono::seconds kPatience{10};  // clients of MI wait no longer either

MiResult reload_tls(server::ReloadChannel& reloads) {
  const server::ReloadResult result = reloads.request(server::Reload::kTls, kPatience);
  if (!result.good) throw MiError(kReloadFailed, "TLS files not reloaded", result.text);
  MiResult certificates = MiResult::array();
  std::istringstream lines(result.text);
  for (std::string line; std::getline(lines, line);)
    certificates.push_back(line);
  return {{"Certificates", std::move(certificates)}};
}

MiResult reload_credentials(server::ReloadChannel& reloads) {
  const server::ReloadResult result = reloads.request(server::Reload::kCredentials, kPatience);
  if (!result.good) throw MiError(kReloadFailed, "Credentials not reloaded", result.text);
  return {{"Credentials", result.text}};
}

MiResult reopen_access_log(std::optional<process::LogChannel>& access_log) {
  if (!access_log)
    throw MiError(kNoAccessLog, "There is no access log", "parameter access_log of module httpd sets one");
  access_log->request_reopen();
  return "OK";
}

MiResult reload_configuration(server::ReloadChannel& reloads) {
  const server::ReloadResult result = reloads.request(server::Reload::kConfiguration, kPatience);
  if (!result.good) throw MiError(kReloadFailed, "Configuration not reloaded", result.text);
  MiResult changed = MiResult::array();
  MiResult unchanged = MiResult::array();
  std::istringstream lines(result.text);
  for (std::string line; std::getline(lines, line);) {
    if (line.front() == Reconfigurer::kTakesRestart) {
      unchanged.push_back(line.substr(1));
    } else {
      changed.push_back(line);
    }
  }
  return {{"Changed", std::move(changed)}, {"Takes a restart", std::move(unchanged)}};
}

}  // namespace

std::vector<Parameter> HttpdModule::parameters() {
  return server::httpd_parameters(settings_);
}

void HttpdModule::init(Host& host) {
  host.mi().add({"httpd_reload",
                 {"httpd:reload"},
                 "httpd",
                 "reads the configuration file again, and the files that it names: all or nothing",
                 {{{}, [this](const MiParams&) { return reload_configuration(reloads_); }}}});
  host.mi().add({"httpd_tls_reload",
                 {"httpd:tls_reload"},
                 "httpd",
                 "reads the TLS certificates and keys again; open connections stay as they are",
                 {{{}, [this](const MiParams&) { return reload_tls(reloads_); }}}});
  host.mi().add({"httpd_auth_reload",
                 {"httpd:auth_reload"},
                 "httpd",
                 "reads the files of users and tokens again",
                 {{{}, [this](const MiParams&) { return reload_credentials(reloads_); }}}});
  host.mi().add({"httpd_access_log_reopen",
                 {"httpd:access_log_reopen"},
                 "httpd",
                 "opens the file of the access log again, after it was renamed",
                 {{{}, [this](const MiParams&) { return reopen_access_log(access_log_); }}}});
}

}  // namespace httpd::daemon
