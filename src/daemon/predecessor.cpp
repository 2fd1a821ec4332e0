// SPDX-License-Identifier: GPL-2.0-or-later
#include "daemon/predecessor.h"

#include <charconv>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>
#include <utility>

#include <httpd/module.h>

#include "http/escape.h"

namespace httpd::daemon {
namespace {

/// The descriptor whose number `text` begins with, which is taken off.
net::UniqueFd take_descriptor(std::string_view& text) {
  int descriptor = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), descriptor);
  if (error != std::errc() || descriptor <= STDERR_FILENO || ::fcntl(descriptor, F_SETFD, FD_CLOEXEC) != 0)
    return {};
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return net::UniqueFd(descriptor);
}

}  // namespace

std::optional<Predecessor> Predecessor::find() {
  const char* const value = std::getenv(kUpgradeVariable);  // NOLINT(concurrency-mt-unsafe): one thread
  if (value == nullptr) return std::nullopt;
  const std::string copy = value;
  ::unsetenv(kUpgradeVariable);  // NOLINT(concurrency-mt-unsafe): likewise
  std::string_view text = copy;
  net::UniqueFd ready = take_descriptor(text);
  net::UniqueFd pid_file;
  const bool has_pid_file = text.starts_with(',');
  if (has_pid_file) {
    text.remove_prefix(1);
    pid_file = take_descriptor(text);
  }
  if (!ready || (has_pid_file && !pid_file) || !text.empty())
    throw ConfigError(fmt::format(
        "the environment variable {} is \"{}\", which a daemon that upgrades itself would not set: unset it",
        kUpgradeVariable, http::escape_for_log(copy)));
  return Predecessor(std::move(ready), std::move(pid_file));
}

void Predecessor::tell_ready() noexcept {
  // It may have given up, or ended: then nobody is left to be told.
  if (::write(ready_.get(), &kUpgradeReady, 1) < 0) return;
}

}  // namespace httpd::daemon
