// The attendant's part in reading the configuration again: it asks, waits, and keeps systemd informed.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <functional>
#include <list>
#include <string>

#include <httpd/log.h>

#include "daemon/supervisor.h"
#include "net/unique_fd.h"
#include "server/reload_channel.h"

namespace httpd::daemon {

/// The HTTPD process may be busy, and the attendant must not wait for it: answers are events to it.
class ReloadRequests {
 public:
  /// `status`: what systemd shows of a daemon that is well. All must outlive it.
  ReloadRequests(Supervisor& supervisor, server::ReloadChannel& channel, std::function<std::string()> status,
                 Log& log);
  ReloadRequests(const ReloadRequests&) = delete;
  ReloadRequests& operator=(const ReloadRequests&) = delete;
  ~ReloadRequests();

  /// SIGHUP came.
  void request();

 private:
  void on_answer(std::list<net::UniqueFd>::iterator answer);
  void tell_systemd(const server::ReloadResult& result);

  Supervisor& supervisor_;
  server::ReloadChannel& channel_;
  std::function<std::string()> status_;
  Log& log_;
  std::list<net::UniqueFd> answers_;  // that are waited for
};

}  // namespace httpd::daemon
