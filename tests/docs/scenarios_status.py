# Requests that are answered with a status other than 200. SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import time

import certificates
import credentials
import daemon
import rawhttp
from rawhttp import request
from symptoms import asked, at_once, curl, sent, shown, shows, url

PROBES = {"mi_http.so": {}, "hello_cpp.so": {}, daemon.WORKER_PROBE: {}, daemon.CPP_PROBE: {}}
JSON = "Content-Type: application/json"


@shows("400: the URL is malformed")
def malformed_url(place):
    return curl("-g", url(place.start(), "/mi?x={1}"))


@shows("400: the request can be understood in two ways")
def two_meanings(place):
    server = place.start()
    return "".join(sent(server, message) for message in (
        request("GET", "/mi", host=None), request("POST", "/mi", "Content-Length: x"),
        request("POST", "/mi", "Content-Length: 3", "Transfer-Encoding: chunked"), b"GET /mi HTTP/1.1\nHost: x\n\n"))


@shows("400 from a proxy that is trusted")
def trusted_proxy(place):
    port = daemon.free_port()
    server = place.start(httpd={"trusted_proxies": "127.0.0.1", "listen": f"http://127.0.0.1:{port}?proxy_protocol=on"})
    return curl("-H", "Forwarded: for=192.0.2.1", "-H", "X-Forwarded-For: 192.0.2.1", url(server)) + curl(
        f"http://127.0.0.1:{port}/mi")


@shows("401: credentials")
def no_credentials(place):
    server = place.start(httpd={"auth_username": "operator", "auth_password": "secret"})
    return curl(url(server)) + curl("-u", "operator:wrong", url(server))


@shows("403: by cause")
def forbidden(place):
    server = place.start(PROBES, certificates.parameters(
        place.certificate(), auth_username="alice", auth_password="secret", tls_verify_client="optional",
        tls_ca_file=place.authority().certificate, auth_token_file=credentials.write(
            place.new_folder() / "tokens", {"scraper": "0123456789abcdef"}),
        access=["root=hello-cpp; deny=127.0.0.1", "root=fast; client_cert=on; auth=off", "root=describe; users=scraper",
                "root=calls; auth=off"]))

    def ask(path, *arguments):
        return curl("-k", *arguments, url(server, path, "https"))

    return (ask("/hello-cpp") + ask("/fast") + ask("/describe", "-u", "alice:secret")
            + ask("/calls", "-H", "Origin: https://elsewhere.example", "-d", "x"))


@shows("404: no such root path")
def no_root(place):
    return curl(url(place.start(), "/nowhere"))


@shows("405: the method")
def wrong_method(place):
    return curl(url(place.start()))


@shows("408: the request came too slowly")
def slow_requests(place):
    server = place.start(PROBES, {"header_timeout": 1, "body_timeout": 1, "min_body_rate": 1000, "receive_buf_size": 1000000})
    head = request("POST", "/describe", "Content-Length: 100000")

    def drip():
        with server.connect() as client:
            client.send(head)
            with contextlib.suppress(ConnectionError):
                for _ in range(8):
                    client.send(b"x" * 10)
                    time.sleep(0.2)
            return shown(client.read_reply())

    return at_once(lambda: sent(server, b"GET /mi HTTP/1.1\r\n"), lambda: sent(server, head), drip)


@shows("413, 414, 431: too large")
def too_large(place):
    server = place.start(PROBES)
    form = "Content-Type: application/x-www-form-urlencoded"
    return (asked(server, "POST", "/mi", JSON, body=b" " * 2000) + asked(server, "POST", "/describe", form, body=b"a=" + b"x" * 2000)
            + asked(server, "GET", "/mi?" + "x" * 9000) + asked(server, "GET", "/mi", "X-Large: " + "x" * 17000))


@shows("415, or 400 without a body: a management command")
def wrong_type(place):
    server = place.start({**PROBES, "hello_c.so": {}})
    return curl("-d", "{}", url(server)) + curl("-X", "POST", "-H", JSON, "-H", "Content-Length: 0", url(server)) + curl(
        "-H", "Content-Type: image/png", "-d", "x", url(server, "/hello"))


@shows("421: the name of the server")
def unknown_name(place):
    return curl(url(place.start(httpd={"allowed_hosts": "mi.example"})))


@shows("429: too much at once")
def too_much(place):
    server = place.start(PROBES, {"max_request_rate": 1, "max_pipelined_requests": 2})
    guarded = place.start(httpd={"auth_username": "a", "auth_password": "b", "max_auth_failures": 1, "auth_failure_delay": 60})
    seen = [sent(server, request("GET", "/describe") * 3) for _ in range(2)]
    with server.connect() as client:
        client.send(request("GET", "/describe") * 3)
        with contextlib.suppress(rawhttp.BadReply):
            for _ in range(3):
                seen.append(shown(client.read_reply()))
    # Each waits for its turn, up to 10 s: the first who would wait for longer is told.
    seen += [curl("-m", "1", "-u", "a:wrong", url(guarded)) for _ in range(3)]
    return "".join(seen)


@shows("500: a handler failed")
def failed_handler(place):
    server = place.start(PROBES)
    return curl(url(server, "/throws")) + curl(url(server, "/dropped"))


@shows("501, 505: another protocol")
def other_protocols(place):
    server = place.start()
    return curl("-X", "BREW", url(server)) + asked(server, "GET", "/mi", version="2.0") + curl(
        "--http2-prior-knowledge", url(server))


@shows("502: the handler's process ended")
def dead_process(place):
    server = place.start(PROBES, {"workers": 1})
    seen = curl(url(server, "/crash/kill"))
    server.wait_log("was killed by signal")
    return seen


@shows("503: by cause")
def unavailable(place):
    full = place.start(PROBES, {"workers": 1, "max_queue": 0})
    slow = place.start(PROBES, {"workers": 1, "handler_timeout": 1})
    crowded = place.start(PROBES, {"max_connections": 1})
    greedy = place.start(PROBES, {"max_client_connections": 1})
    with contextlib.ExitStack() as stack:
        for server in (full, slow):
            client = stack.enter_context(server.connect())
            client.send(request("GET", "/sleep/1500"))
        seen = curl(url(full, "/fast")) + curl(url(slow, "/fast"))
        for server in (crowded, greedy):
            # The first has a connection, the second the administrator's place.
            for _ in range(2):
                stack.enter_context(server.connect()).ask(request("GET", "/describe"))
            stack.enter_context(server.connect())
            seen += curl(url(server))
    return seen


@shows("504: the handler takes too long")
def slow_handler(place):
    return curl(url(place.start(PROBES, {"workers": 1, "handler_timeout": 1}), "/sleep/1300"))


@shows("JSON-RPC: Method not found")
def no_method(place):
    return curl("-H", JSON, "-d", '{"jsonrpc":"2.0","method":"core.uptime","id":1}', url(place.start()))
