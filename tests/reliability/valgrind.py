#!/usr/bin/env python3
# Runs the integration tests with the daemon under valgrind, and keeps the figures. Called by `make valgrind`.
# SPDX-License-Identifier: GPL-2.0-or-later
import os
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True

import figures  # noqa: E402

TESTS = figures.ROOT / "tests" / "integration"
WRAPPER = "valgrind -q --leak-check=full --errors-for-leak-kinds=definite --trace-children=yes"
