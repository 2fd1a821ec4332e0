# Compression of replies, in a real OpenSIPS. SPDX-License-Identifier: GPL-2.0-or-later
import gzip
import re

import pytest


@pytest.mark.ours
def test_metrics_are_compressed_where_the_administrator_says_so(start):
    modules = [("mi_http", {}), ("prometheus", {"statistics": ["all"]})]
    server = start(modules, {"compress": "metrics"})
    reply = server.ask("GET", "/metrics", "Accept-Encoding: gzip")
    assert reply.field("Content-Encoding") == "gzip" and reply.tokens("Vary") == ["accept-encoding"]
    text = gzip.decompress(reply.body).decode()
    assert len(reply.body) < len(text) / 2
    plain = server.ask("GET", "/metrics").body.decode()
    assert re.findall(r"^\w+", text, re.M) == re.findall(r"^\w+", plain, re.M)
    assert server.ask("GET", "/mi", "Accept-Encoding: gzip").field("Content-Encoding") is None
