// Keeps a want of memory during a handshake from ending the process.
// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace httpd::net {

/// To be called before each step of a handshake. GMP, which does the arithmetic below GnuTLS, ends the
/// process when it gets no memory: from now on it is given what is put aside here. False when there is no
/// memory to be put aside; then no such step may be done.
[[nodiscard]] bool prepare_tls_memory() noexcept;

}  // namespace httpd::net
