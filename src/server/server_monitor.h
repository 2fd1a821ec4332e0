// What people who look are told of a server. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <deque>
#include <string>
#include <vector>

#include <httpd/monitor.h>

#include "server/refusal_history.h"
#include "server/request_board.h"
#include "server/request_statistics.h"
#include "server/router.h"
#include "server/statistics.h"
#include "server/statistics_list.h"

namespace httpd::server {

class Server;

/// Made before any process is forked, like the handlers that look at it. Knows more than numbers once begin()
/// is called, in the HTTPD process alone.
class ServerMonitor final : public Monitor {
 public:
  /// All must outlive it.
  ServerMonitor(Statistics& statistics, const RequestBoard& board, const Router& router);
  ServerMonitor(const ServerMonitor&) = delete;
  ServerMonitor& operator=(const ServerMonitor&) = delete;

  /// In the HTTPD process, before it serves; all roots are registered. Both must outlive the last look.
  void begin(Server& server, const RequestStatistics& requests);

  /// What is refused elsewhere than in the server is noted here.
  [[nodiscard]] RefusalHistory& refusal_history() noexcept { return refusals_; }

  [[nodiscard]] std::vector<Statistic> statistics() const override;
  [[nodiscard]] std::vector<Root> roots() const override;
  [[nodiscard]] std::vector<Request> requests() const override;
  [[nodiscard]] std::vector<Worker> workers() const override;
  [[nodiscard]] std::vector<Client> clients(std::size_t most) const override;
  [[nodiscard]] std::vector<Certificate> certificates() const override;
  [[nodiscard]] std::vector<Refusal> refusals() const override;
  [[nodiscard]] bool is_draining() const noexcept override;

 private:
  const RequestBoard& board_;
  const Router& router_;
  StatisticsList list_;                     // the names as get_statistics knows them
  std::vector<std::string> root_names_;     // by their index
  std::vector<std::string> refusal_names_;  // likewise
  RefusalHistory refusals_;
  const Server* server_ = nullptr;  // null before begin()
  const RequestStatistics* requests_ = nullptr;
};

}  // namespace httpd::server
