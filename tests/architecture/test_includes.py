# No include crosses the borders between the parts, and the checker that says so sees those that would.
# SPDX-License-Identifier: GPL-2.0-or-later
from pathlib import Path

import borders
import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_no_include_crosses_a_border():
    problems = borders.check(ROOT)
    assert not problems, "\n" + "\n".join(problems)


def test_the_tree_is_read_at_all():
    seen = [path for path in (ROOT / "src").rglob("*.h")]
    assert seen, "no headers found: the check above would pass for nothing"


def made_up_tree(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return borders.check(root)


SOME_HEADERS = {
    "src/net/stream.h": "#pragma once\n",
    "src/http/parser.h": "#pragma once\n",
    "src/server/router.h": "#pragma once\n",
    "src/process/pool.h": "#pragma once\n",
    "src/capi/registry.h": "#pragma once\n",
    "src/daemon/log.h": "#pragma once\n",
    "src/daemon/build_info.h.in": "#pragma once\n",
    "src/opensips/module.h": "#pragma once\n",
    "src/handlers/mi_http/handler.h": "#pragma once\n",
    "src/handlers/mi_fifo/reader.h": "#pragma once\n",
    "include/httpd/handler.h": "#pragma once\n",
}


def test_a_crossing_include_is_reported_with_file_and_line(tmp_path):
    files = SOME_HEADERS | {"src/net/stream.cpp": '// A comment.\n#include "net/stream.h"\n\n#include "http/parser.h"\n'}
    (found,) = made_up_tree(tmp_path, files)
    assert found.startswith('src/net/stream.cpp:4: #include "http/parser.h": ')


FORBIDDEN = [
    ("src/net/a.cpp", '"server/router.h"'),
    ("src/net/a.cpp", "<httpd/handler.h>"),
    ("src/http/a.cpp", '"net/stream.h"'),
    ("src/http/a.cpp", '"server/router.h"'),
    ("src/http/a.cpp", "<httpd/handler.h>"),
    ("src/server/a.cpp", '"process/pool.h"'),
    ("src/server/a.cpp", '"capi/registry.h"'),
    ("src/server/a.cpp", '"daemon/log.h"'),
    ("src/server/a.cpp", '"daemon/build_info.h"'),
    ("src/process/a.cpp", '"daemon/log.h"'),
    ("src/capi/a.cpp", '"server/router.h"'),
    ("src/capi/a.cpp", '"net/stream.h"'),
    ("src/handlers/mi_http/a.cpp", '"handlers/mi_fifo/reader.h"'),
    ("src/handlers/mi_http/a.cpp", '"server/router.h"'),
    ("src/handlers/mi_http/a.cpp", "<spdlog/spdlog.h>"),
    ("src/daemon/a.cpp", '"opensips/module.h"'),
    ("src/daemon/a.cpp", '"handlers/mi_http/handler.h"'),
    ("src/opensips/a.cpp", '"daemon/log.h"'),
    ("src/opensips/a.cpp", '"handlers/mi_http/handler.h"'),
    ("src/http/a.cpp", "<boost/beast/http/basic_parser.hpp>"),
    ("src/server/a.cpp", "<boost/beast/http.hpp>"),
    ("src/http/parser.cpp", "<boost/asio/ip/tcp.hpp>"),
    ("src/net/a.cpp", "<boost/asio.hpp>"),
    ("src/server/a.cpp", "<spdlog/spdlog.h>"),
    ("src/server/a.cpp", "<CLI/CLI.hpp>"),
    ("src/server/a.cpp", "<systemd/sd-daemon.h>"),
    ("src/server/a.cpp", "<gnutls/gnutls.h>"),
    ("src/server/a.cpp", '"../../sr_module.h"'),
    ("src/server/a.cpp", '"router.h"'),
    ("src/server/a.cpp", '"server/../daemon/log.h"'),
    ("src/server/a.cpp", "<opensips/sr_module.h>"),
    ("src/server/a.cpp", '"httpd/handler.h"'),
    ("src/server/a.cpp", "SOME_MACRO"),
    ("src/elsewhere/a.cpp", '"net/stream.h"'),
    ("include/httpd/a.h", '"server/router.h"'),
    ("include/httpd/a.h", "<fmt/format.h>"),
    ("include/httpd/a.h", "<boost/asio.hpp>"),
    ("examples/a.cpp", '"server/router.h"'),
    ("examples/a.cpp", "<spdlog/spdlog.h>"),
]


@pytest.mark.parametrize(("path", "what"), FORBIDDEN)
def test_forbidden(tmp_path, path, what):
    found = made_up_tree(tmp_path, SOME_HEADERS | {path: f"#include {what}\n"})
    assert [line.split(": ")[0] for line in found] == [f"{path}:1"]


ALLOWED = [
    ("src/net/a.cpp", "<gnutls/gnutls.h>"),
    ("src/http/a.cpp", "<httpd/method.h>"),
    ("src/http/parser.cpp", "<boost/beast/http/basic_parser.hpp>"),
    ("src/http/parser.cpp", "<boost/asio/buffer.hpp>"),
    ("src/server/a.cpp", '"net/stream.h"'),
    ("src/server/a.cpp", '"http/parser.h"'),
    ("src/server/a.cpp", "<httpd/handler.h>"),
    ("src/process/a.cpp", '"server/router.h"'),
    ("src/capi/a.cpp", "<httpd/handler.h>"),
    ("src/handlers/mi_http/a.cpp", '"handlers/mi_http/handler.h"'),
    ("src/handlers/mi_http/a.cpp", "<nlohmann/json.hpp>"),
    ("src/daemon/a.cpp", '"capi/registry.h"'),
    ("src/daemon/a.cpp", '"daemon/build_info.h"'),
    ("src/daemon/config/a.cpp", "<spdlog/spdlog.h>"),
    ("src/opensips/a.c", '"../../sr_module.h"'),
    ("include/httpd/a.h", "<nlohmann/json_fwd.hpp>"),
    ("include/httpd/a.h", "<sys/socket.h>"),
    ("examples/a.c", "<httpd/handler.h>"),
]


@pytest.mark.parametrize(("path", "what"), ALLOWED)
def test_allowed(tmp_path, path, what):
    assert made_up_tree(tmp_path, SOME_HEADERS | {path: f"#include {what}\n"}) == []


def test_includes_in_comments_do_not_count_and_lines_stay_right(tmp_path):
    text = '/*\n#include "daemon/log.h"\n*/\n// #include "daemon/log.h"\n #  include "daemon/log.h"\n'
    (found,) = made_up_tree(tmp_path, SOME_HEADERS | {"src/server/a.cpp": text})
    assert found.startswith("src/server/a.cpp:5: ")
