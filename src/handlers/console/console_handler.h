// The requests to the console: the page, its assets, and the events for pages that are open.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <httpd/handler.h>
#include <httpd/log.h>
#include <httpd/monitor.h>

#include "handlers/console/assets.h"
#include "handlers/console/console.h"
#include "handlers/console/feed.h"
#include "handlers/console/history.h"
#include "handlers/console/page_template.h"
#include "handlers/console/ticker.h"
#include "handlers/console/viewers.h"

namespace httpd::console {

/// What assets.h gives; all of it must outlive the handler.
struct Content {
  std::span<const Asset> assets;
  std::string_view page_template;
  std::string_view build;
};

/// What time it is. Tests set it.
struct Clocks {
  std::function<std::chrono::steady_clock::time_point()> steady = std::chrono::steady_clock::now;
  std::function<std::chrono::system_clock::time_point()> wall = std::chrono::system_clock::now;
};

/// Paths below the root: "" redirects to "/", the page; "/events" is the stream of events; the others are
/// assets. Samples are taken once a second from init_process() on, a state is made only while somebody looks.
class ConsoleHandler final : public Handler {
 public:
  /// See make_console().
  ConsoleHandler(const Monitor& monitor, Log& log, const ConsoleSettings& settings, const Content& content,
                 Clocks clocks = {});

  [[nodiscard]] MethodSet methods() const override { return {Method::kGet}; }
  [[nodiscard]] bool never_blocks() const noexcept override { return true; }
  void init_process(Loop& loop) override;
  void handle(const Request& request, Reply reply) override;

 private:
  struct Served {
    Asset asset;
    std::string tag;
    std::string gzip_tag;  ///< another one: these are other bytes (RFC 9110 section 8.8.3.3)
  };

  void send_page(const Request& request, Reply reply) const;
  void send_events(const Request& request, Reply reply);
  void send_file(const Served& file, const Request& request, Reply reply) const;
  void refuse_viewer(Reply reply);

  [[nodiscard]] Snapshot snapshot() const;
  void take_sample();
  void tick() noexcept;
  void show();

  const Monitor& monitor_;
  Log& log_;
  const ConsoleSettings settings_;
  const Clocks clocks_;
  const std::string build_;
  History history_;
  const PageTemplate page_;
  std::vector<Served> files_;
  Feed feed_;
  Viewers viewers_;
  Loop* loop_ = nullptr;
  bool failing_ = false;     // of tick(): it is in the log already
  std::size_t refused_ = 0;  // viewers of whom the log does not know yet
  std::optional<std::chrono::steady_clock::time_point> refusals_logged_;
  std::optional<Ticker> ticker_;  // the last one, so that it is the first to end
};

}  // namespace httpd::console
