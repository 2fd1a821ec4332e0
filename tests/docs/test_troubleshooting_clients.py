# The entries of docs/TROUBLESHOOTING.md about clients, proxies, logs and OpenSIPS.
# SPDX-License-Identifier: GPL-2.0-or-later
import pytest
import scenarios_clients
import scenarios_logs
import scenarios_opensips
import symptoms


@pytest.mark.parametrize("title", symptoms.titles(scenarios_clients, scenarios_logs, scenarios_opensips))
def test_what_is_said_to_be_seen_is_seen(title, tmp_path, shared):
    symptoms.check(title, tmp_path, shared)
