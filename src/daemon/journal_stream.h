// Whether a descriptor leads to systemd's journal. SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace httpd::daemon {

/// Whether what is written to `descriptor` goes to the journal, as the variable JOURNAL_STREAM tells a
/// service (systemd.exec(5)). The journal then takes "<N>" at the begin of a line for its priority
/// (sd-daemon(3)).
[[nodiscard]] bool leads_to_journal(int descriptor);

}  // namespace httpd::daemon
