# Waiting for what happens by itself. SPDX-License-Identifier: GPL-2.0-or-later
import time


def wait_until(condition, what="it did not happen", seconds=5.0):
    """Waits until `condition()` is true, and returns how long that took, in seconds. `what` is said when it does not
    come true in time."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() < began + seconds, what
        time.sleep(0.01)
    return time.monotonic() - began
