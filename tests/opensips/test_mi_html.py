# mi_html: the Management Interface as pages with forms. SPDX-License-Identifier: GPL-2.0-or-later
import re

import opensips
import pytest
from rawhttp import request

FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.fixture(scope="module", params=[0, 1], ids=["GET", "POST"])
def server(request, tmp_path_factory):
    modules = [("mi_html", {"root": "html", "http_method": request.param})]
    with opensips.OpenSips(tmp_path_factory.mktemp("mi_html"), modules) as started:
        started.form_method = "POST" if request.param else "GET"
        yield started


def run(server, path, argument=""):
    if server.form_method == "GET":
        return server.ask("GET", f"{path}?arg={argument}")
    return server.ask("POST", path, FORM, body=f"arg={argument}".encode())


def links(reply):
    assert reply.status == 200
    assert reply.field("Content-Type").startswith("text/html")
    return re.findall(r"href=['\"](/html[^'\"]*)", reply.body.decode())


def test_the_pages_lead_to_the_commands(server):
    assert "/html/core" in links(server.ask("GET", "/html"))
    assert any(link.endswith("uptime") for link in links(server.ask("GET", "/html/core")))


def test_a_command(server):
    link = next(link for link in links(server.ask("GET", "/html/core")) if link.endswith("uptime"))
    reply = run(server, link)
    assert reply.status == 200
    assert b"Up time" in reply.body, reply.body[-1500:]


def test_a_form_in_a_browser(server, browser):
    browser.open(f"http://127.0.0.1:{server.port}/html")
    browser.follow("statistics")
    browser.follow("statistics:get" if opensips.major() >= 4 else "get_statistics")
    browser.type("input[name=arg]", '{"statistics": ["shmem:"]}')
    browser.click("input[type=submit]")
    browser.wait_text("shmem:total_size")


def test_pages_on_one_connection(server):
    with server.connect() as client:
        for _ in range(20):
            assert client.ask(request("GET", "/html")).status == 200
