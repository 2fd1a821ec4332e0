# Runs bench_kept_load: GETs on connections that are all open before anything is measured.
# SPDX-License-Identifier: GPL-2.0-or-later
import json

import loads
import probes
import servers


class KeptLoad(probes.Program):
    """When it is made, every connection has made a request; run() measures; finish() closes them."""

    def __init__(self, setup, server, connections, path="/bench", paths=1, seconds=None):
        self.server = server
        self.seconds = seconds or setup.seconds
        super().__init__(server.name, setup.cores[1],
                         [setup.build / "bench/bench_kept_load", server.port, path, paths, servers.PAGE_SIZE,
                          connections, self.seconds])

    def run(self):
        before = self.server.cpu_seconds()
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line or self.process.stdout.readline() != "ready\n":
            self.fail(self.process.communicate(timeout=probes.SHORTEST)[1])
        after = self.server.cpu_seconds()
        result = json.loads(line)
        cpu = ((late - early) / result["count"] * 1e6 for early, late in zip(before, after))
        return loads.Round(result["count"] / result["seconds"], *cpu, requests=result["count"])
