// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/reload_requests.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <systemd/sd-daemon.h>
#include <utility>

namespace httpd::daemon {

ReloadRequests::ReloadRequests(Supervisor& supervisor, server::ReloadChannel& channel,
                               std::function<std::string()> status, Log& log)
    : supervisor_(supervisor), channel_(channel), status_(std::move(status)), log_(log) {}

ReloadRequests::~ReloadRequests() {
  for (const net::UniqueFd& answer : answers_)
    supervisor_.unwatch(answer.get());
}

void ReloadRequests::request() {
  // sd_notify(3): systemd tells by the time which of several reloads this is.
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  ::sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                             std::chrono::duration_cast<std::chrono::microseconds>(now).count())
                     .c_str());
  net::UniqueFd asked = channel_.ask(server::Reload::kConfiguration);
  if (!asked) {
    log_.write(LogLevel::kError, "SIGHUP: too many reloads are waiting for the HTTPD process already");
    if (answers_.empty()) tell_systemd({false, "too many reloads"});
    return;
  }
  answers_.push_back(std::move(asked));
  const auto position = std::prev(answers_.end());
  supervisor_.watch(position->get(), [this, position] { on_answer(position); });
}

void ReloadRequests::on_answer(std::list<net::UniqueFd>::iterator answer) {
  const server::ReloadResult result = server::ReloadChannel::take_answer(*answer);
  supervisor_.unwatch(answer->get());
  answers_.erase(answer);
  // What is wrong is in the log already, unless nobody was left to write it.
  if (!result.good) log_.write(LogLevel::kDebug, "SIGHUP: " + result.text);
  if (answers_.empty()) tell_systemd(result);
}

void ReloadRequests::tell_systemd(const server::ReloadResult& result) {
  std::string status = result.good ? status_() : "the last reload failed: " + result.text;
  std::ranges::replace(status, '\n', ' ');
  ::sd_notify(0, ("READY=1\nSTATUS=" + status).c_str());
}

}  // namespace httpd::daemon
