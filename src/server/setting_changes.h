// Which settings may change while the server runs, and how two sets of them differ.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/settings.h"

namespace httpd::server {

/// When a parameter's new value holds.
enum class Effect : std::uint8_t {
  kLive,    ///< once the configuration is read again
  kRestart  ///< after a restart
};

/// The effect of each parameter of httpd_parameters(). Those of TLS are live as long as the server speaks
/// TLS before and after; whether it does takes a restart.
[[nodiscard]] std::vector<std::pair<std::string_view, Effect>> parameter_effects();

/// How settings differ, by parameters. No secret is in it.
struct SettingChanges {
  std::vector<std::string> live;  ///< "conn_timeout 30 -> 10"; the name alone where values are long or secret
  std::vector<std::string> restart;  ///< names of parameters whose new values take a restart
};

/// Finds out how `next` differs from `now`, and gives it back the values of `now` for what takes a restart.
/// Throws std::bad_alloc.
[[nodiscard]] SettingChanges settle(const Settings& now, Settings& next);

}  // namespace httpd::server
