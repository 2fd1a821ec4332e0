// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/reconfigurer.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <fmt/format.h>
#include <span>
#include <sys/socket.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "daemon/config/script.h"
#include "net/descriptor_passing.h"
#include "process/memory_file.h"
#include "server/reconfiguration.h"
#include "server/reload.h"
#include "server/tls_settings.h"

namespace httpd::daemon {
namespace {

/// For what the HTTPD process has said already.
class Silence final : public Log {
 public:
  [[nodiscard]] bool enabled(LogLevel /*level*/) const noexcept override { return false; }
  void write(LogLevel /*level*/, std::string_view /*line*/) noexcept override {}
};

std::string_view view(const net::SecretBytes& bytes) noexcept {
  return {bytes.data(), bytes.size()};
}

std::string join(const std::vector<std::string>& parts) {
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// As many whole lines as there is room for.
void add_line(std::string& text, std::string_view line) {
  constexpr std::string_view kMore = "\n...";
  if (text.ends_with(kMore)) return;
  if (text.size() + 1 + line.size() + kMore.size() > server::ReloadChannel::kMaxText) {
    text += kMore;
    return;
  }
  if (!text.empty()) text += '\n';
  text += line;
}

net::SecretBytes read_all(const net::UniqueFd& file) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw std::system_error(errno, std::generic_category(), "fstat");
  net::SecretBytes text(static_cast<std::size_t>(status.st_size));
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count =
        ::pread(file.get(), text.data() + size, text.size() - size, static_cast<off_t>(size));
    if (count <= 0) throw std::system_error(errno, std::generic_category(), "pread");
    size += static_cast<std::size_t>(count);
  }
  return text;
}

}  // namespace

/// A reading that is good.
struct Reconfigurer::Outcome {
  server::Reconfiguration made;
  int log_level;
  std::vector<std::string> live;
  std::vector<std::string> restart;
};

int effective_log_level(const Options& options, int of_script) noexcept {
  return (options.debug ? static_cast<int>(LogLevel::kDebug) : of_script) + options.more_log;
}

Reconfigurer::Reconfigurer(const Options& options, const server::Router& router, SharedState& state, Log& log)
    : options_(options), router_(router), state_(state), log_(log), reader_(options.config_file) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair.data()) != 0)
    throw std::system_error(errno, std::generic_category(), "socketpair");
  giving_ = net::UniqueFd(pair[0]);
  taking_ = net::UniqueFd(pair[1]);
}

server::ReloadResult Reconfigurer::reload(server::Server& server, process::WorkerPool* pool,
                                          server::Settings& settings) {
  try {
    const net::SecretBytes text = read_script_text(options_.config_file);
    Configuration next = reader_.read(view(text));
    server::Reconfiguration made = server::prepare(settings, std::move(next.settings), router_, log_);
    Outcome outcome{std::move(made), next.log_level, {}, {}};
    outcome.live = outcome.made.changes.live;
    if (next.log_level != start_.log_level)
      outcome.live.push_back(fmt::format("log_level {} -> {}", start_.log_level, next.log_level));
    outcome.restart = outcome.made.changes.restart;
    for (std::string& what : fixed_changes(start_, next))
      outcome.restart.push_back(std::move(what));
    server::ReloadResult result{true, {}};
    for (const std::string& line : outcome.live)
      add_line(result.text, line);
    for (const std::string& what : outcome.restart)
      add_line(result.text, kTakesRestart + what);
    give(view(text));
    change(server, pool, settings, outcome);
    return result;
  } catch (const std::exception& error) {
    log_.write(LogLevel::kError,
               fmt::format("configuration not read again: {}; everything stays as it was", error.what()));
    return {false, std::string(error.what()).substr(0, server::ReloadChannel::kMaxText)};
  }
}

/// The attendant has the text: there is no way back.
void Reconfigurer::change(server::Server& server, process::WorkerPool* pool, server::Settings& settings,
                          Outcome& outcome) {
  const auto users = outcome.made.users;
  server.change(settings, outcome.made);
  if (outcome.log_level != std::exchange(start_.log_level, outcome.log_level))
    state_.set_log_level(effective_log_level(options_, outcome.log_level));
  try {
    if (pool != nullptr) pool->change_limits();
    log_.write(LogLevel::kNotice,
               "configuration read again: " +
                   (outcome.live.empty() ? std::string("nothing has changed") : join(outcome.live)));
    if (!outcome.restart.empty())
      log_.write(LogLevel::kWarning,
                 fmt::format("what the configuration says now about {} takes a restart: until then it stays "
                             "as it was",
                             join(outcome.restart)));
    if (settings.tls.configured())
      log_.write(LogLevel::kNotice, fmt::format("TLS files read again; {} certificates in service",
                                                settings.tls.certificate_files.size()));
    if (users != nullptr && !server::files_of(settings.access.auth).empty())
      log_.write(LogLevel::kNotice, "credentials read again: " + users->text());
    if (const std::string advice = server.connections_advice(); !advice.empty())
      log_.write(LogLevel::kWarning, advice);
  } catch (const std::exception& error) {
    log_.write(LogLevel::kError, error.what());
  }
}

void Reconfigurer::give(std::string_view text) const {
  const net::UniqueFd file = process::make_memory_file(std::span(&text, 1));
  char byte = 0;
  const iovec piece{&byte, 1};
  const int descriptor = file.get();
  if (!file || net::send_with_descriptors(giving_.get(), std::span(&piece, 1), std::span(&descriptor, 1),
                                          MSG_DONTWAIT) != 1)
    throw ConfigError(fmt::format("the attendant cannot be told: {}", std::strerror(errno)));
}

void Reconfigurer::take(InForce& in_force) {
  for (;;) {
    char byte = 0;
    const net::ReceivedMessage message = net::receive_with_descriptors(taking_.get(), std::span(&byte, 1));
    if (message.bytes != 1) return;
    try {
      take_over(view(read_all(message.descriptors[0])), in_force);
    } catch (const std::exception& error) {
      log_.write(
          LogLevel::kError,
          fmt::format("the attendant cannot take over the configuration that the HTTPD process has read: "
                      "{}; reload again",
                      error.what()));
    }
  }
}

/// It has been checked. Files may have changed since: the next HTTPD process reads them itself.
void Reconfigurer::take_over(std::string_view text, InForce& in_force) {
  Configuration next = reader_.read(text);
  static_cast<void>(server::settle(in_force.settings, next.settings));
  start_.log_level = next.log_level;
  in_force.settings = std::move(next.settings);
  Silence silence;
  try {
    in_force.users = server::load_credentials(in_force.settings);
    in_force.tls = server::load_tls(in_force.settings.tls, silence);
  } catch (const ConfigError&) {
    return;
  }
}

}  // namespace httpd::daemon
