// SPDX-License-Identifier: GPL-2.0-or-later
#include "handlers/console/console_handler.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "handlers/console/entity_tag.h"

namespace httpd::console {
namespace {

/// How often the log says that there are too many viewers, at most.
constexpr std::chrono::seconds kRefusalLogInterval{60};

/// The page loads nothing from elsewhere, nothing runs that is not its own script, and nobody frames it.
void add_protection(Reply& reply) {
  reply
      .header("Content-Security-Policy",
              "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
              "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
      .header("X-Content-Type-Options", "nosniff")
      .header("Referrer-Policy", "no-referrer")
      .header("Cross-Origin-Opener-Policy", "same-origin")
      .header("Cross-Origin-Resource-Policy", "same-origin");
}

/// From .../ROOT, which has no slash at its end, to .../ROOT/.
std::string with_slash(std::string_view root) {
  return std::string(root.substr(root.rfind('/') + 1)) + '/';
}

/// From the page at /ROOT/ to the root of the first module mi_http.
std::string mi_url(std::string_view root, const std::vector<Monitor::Root>& roots) {
  const auto mi = std::ranges::find(roots, "mi_http", &Monitor::Root::module);
  if (mi == roots.end()) return {};
  std::string url = "../";
  for (auto slashes = std::ranges::count(root, '/'); slashes > 0; --slashes)
    url += "../";
  return url.append(mi->root);
}

LentBytes lent(std::string_view bytes) noexcept {
  return {bytes.data(), bytes.size(), [](void* /*context*/) noexcept {}, nullptr};
}

}  // namespace

ConsoleHandler::ConsoleHandler(const Monitor& monitor, Log& log, const ConsoleSettings& settings,
                               const Content& content, Clocks clocks)
    : monitor_(monitor),
      log_(log),
      settings_(settings),
      clocks_(std::move(clocks)),
      build_(content.build),
      page_(content.page_template, make_numbers(monitor.statistics(), history_, clocks_.wall())),
      feed_(history_, build_) {
  for (const Asset& asset : content.assets)
    files_.push_back({asset, entity_tag(asset.bytes), entity_tag(asset.gzip)});
}

void ConsoleHandler::init_process(Loop& loop) {
  loop_ = &loop;
  take_sample();
  ticker_.emplace(loop, [this] { tick(); });
}

void ConsoleHandler::handle(const Request& request, Reply reply) {
  add_protection(reply);
  const std::string_view path = request.path();
  if (path.empty()) {
    reply.status(308).header("Location", with_slash(request.root())).send_copy("");
  } else if (path == "/") {
    send_page(request, std::move(reply));
  } else if (path == "/events") {
    send_events(request, std::move(reply));
  } else if (const auto file =
                 std::ranges::find(files_, path.substr(1), [](const Served& one) { return one.asset.name; });
             file != files_.end()) {
    send_file(*file, request, std::move(reply));
  } else {
    reply.status(404).send_copy("The console has nothing at this path\n");
  }
}

void ConsoleHandler::send_page(const Request& request, Reply reply) const {
  std::string page = page_.fill(snapshot(), mi_url(request.root(), monitor_.roots()), build_);
  reply.content_type("text/html; charset=utf-8").header("Cache-Control", "no-store").send(std::move(page));
}

void ConsoleHandler::send_events(const Request& request, Reply reply) {
  if (loop_ == nullptr) {
    reply.status(503).send_copy("The console does not run in this process\n");
    return;
  }
  const std::size_t viewers = viewers_.count();
  if (viewers >= settings_.max_viewers) return refuse_viewer(std::move(reply));
  if (viewers == 0) feed_.begin(snapshot());
  const std::vector<Message> everything = feed_.everything();
  // While the server ends, pages come again every second and still see what it is doing, until another one
  // answers: but no stream of theirs keeps it from ending.
  if (request.is_head() || monitor_.is_draining()) return send_once(std::move(reply), *loop_, everything);
  viewers_.add(std::move(reply), *loop_, everything);
}

void ConsoleHandler::send_file(const Served& file, const Request& request, Reply reply) const {
  const bool gzip = !file.asset.gzip.empty() && request.accepts_coding("gzip");
  const std::string& tag = gzip ? file.gzip_tag : file.tag;
  reply.header("ETag", tag).header("Cache-Control", "no-cache").header("Vary", "Accept-Encoding");
  if (names_entity_tag(request.field("If-None-Match").value_or(""), tag)) {
    reply.status(304).send_copy("");
    return;
  }
  reply.content_type(file.asset.type);
  if (gzip) reply.header("Content-Encoding", "gzip");
  reply.send(lent(gzip ? file.asset.gzip : file.asset.bytes));
}

void ConsoleHandler::refuse_viewer(Reply reply) {
  const auto now = clocks_.steady();
  ++refused_;
  if (!refusals_logged_ || now - *refusals_logged_ >= kRefusalLogInterval) {
    log_.write(LogLevel::kWarning,
               "console: no place for " + std::to_string(refused_) + " more event stream(s), since " +
                   std::to_string(settings_.max_viewers) + " are open: answered with 503; parameter " +
                   std::string(settings_.max_viewers_parameter) + " moves this limit");
    refused_ = 0;
    refusals_logged_ = now;
  }
  reply.status(503)
      .header("Retry-After", "10")
      .send("As many pages of the console are open as parameter " +
            std::string(settings_.max_viewers_parameter) + " allows\n");
}

Snapshot ConsoleHandler::snapshot() const {
  return make_snapshot(monitor_, history_, clocks_.wall());
}

void ConsoleHandler::take_sample() {
  history_.add(clocks_.steady(), clocks_.wall(), monitor_.statistics(), monitor_.roots());
}

void ConsoleHandler::tick() noexcept {
  bool failed = false;
  const auto attempt = [&failed](const auto& step) {
    try {
      step();
    } catch (const std::exception&) {
      failed = true;
    }
  };
  attempt([this] { take_sample(); });
  attempt([this] { show(); });
  // Only want of memory makes them fail, and the next second may have it.
  if (failed && !std::exchange(failing_, failed))
    log_.write(LogLevel::kWarning, "console: no memory to look at the server; pages miss a moment");
  failing_ = failed;
}

void ConsoleHandler::show() {
  if (monitor_.is_draining()) return viewers_.close();
  if (viewers_.count() == 0) return;
  if (viewers_.send(feed_.advance(snapshot())) > 0)
    log_.write(LogLevel::kInfo, "console: the event stream of a page that does not read was ended");
}

}  // namespace httpd::console
