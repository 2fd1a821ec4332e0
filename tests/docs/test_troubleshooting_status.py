# The entries of docs/TROUBLESHOOTING.md about replies, and about daemons that run.
# SPDX-License-Identifier: GPL-2.0-or-later
import pytest
import scenarios_running
import scenarios_status
import symptoms


@pytest.mark.parametrize("title", symptoms.titles(scenarios_running, scenarios_status))
def test_what_is_said_to_be_seen_is_seen(title, tmp_path, shared):
    symptoms.check(title, tmp_path, shared)
