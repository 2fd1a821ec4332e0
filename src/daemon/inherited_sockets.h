// Listening sockets that systemd, or the daemon before this one, opened for us (sd_listen_fds(3)).
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <vector>

#include "server/endpoints.h"

namespace httpd::daemon {

/// Takes over the sockets that this process was started with, and with them LISTEN_FDS and its kin out of the
/// environment; none when it was started without. Once, at the start. Throws ConfigError that names a
/// descriptor which cannot be served.
[[nodiscard]] std::vector<server::InheritedSocket> take_inherited_sockets();

}  // namespace httpd::daemon
