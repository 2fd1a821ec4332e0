-- A new connection for each request. SPDX-License-Identifier: GPL-2.0-or-later
wrk.headers["Connection"] = "close"
