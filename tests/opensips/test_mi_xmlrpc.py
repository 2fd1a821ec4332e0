# mi_xmlrpc (mi_xmlrpc_ng before 4.0): the Management Interface as XML-RPC. SPDX-License-Identifier: GPL-2.0-or-later
import socket
import xmlrpc.client

import opensips
import pytest


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    modules = [(opensips.xmlrpc_module(), {}), ("mi_http", {})]
    with opensips.OpenSips(tmp_path_factory.mktemp("xmlrpc"), modules) as started:
        yield started


@pytest.fixture
def proxy(server):
    socket.setdefaulttimeout(20)
    with xmlrpc.client.ServerProxy(f"http://127.0.0.1:{server.port}/RPC2") as connected:
        yield connected
    socket.setdefaulttimeout(None)


def test_a_call(proxy):
    assert "Up time" in str(proxy.uptime())


def test_a_call_with_a_parameter(proxy):
    assert "Log level" in str(proxy.log_level()) or "Log levels" in str(proxy.log_level())
    assert "uptime" in str(proxy.which())


def test_a_fault(proxy):
    with pytest.raises(xmlrpc.client.Fault):
        proxy.log_level("1", "2", "3", "4")


def test_an_unknown_command_is_a_fault(proxy):
    if opensips.number() == (4, 1):
        pytest.skip("mi_xmlrpc of 4.1-dev itself crashes on a command that it does not know, with any httpd")
    with pytest.raises(xmlrpc.client.Fault):
        proxy.no_such_command()


def test_calls_on_one_connection(proxy):
    for _ in range(20):
        assert "Up time" in str(proxy.uptime())


def test_what_is_no_xml_gets_a_fault(server):
    reply = server.ask("POST", "/RPC2", "Content-Type: text/xml", body=b"<not xml")
    assert reply.status in (200, 400, 500), reply
    assert b"fault" in reply.body or reply.status != 200
