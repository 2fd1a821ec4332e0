# Clients that cannot connect, or whose connections end. SPDX-License-Identifier: GPL-2.0-or-later
import contextlib
import socket
import time

import certificates
import daemon
import rawhttp
from symptoms import at_once, curl, shows, url

PROBES = {"mi_http.so": {}, daemon.WORKER_PROBE: {}, daemon.CPP_PROBE: {}}


@shows("Refused: the address is not the one that is listened on")
def other_address(place):
    server = place.start()
    return curl(url(server, host="127.0.0.2")) + curl(f"http://[::1]:{server.port}/")


@shows("No answer: a firewall")
def dropped_packets(_place):
    """A full backlog drops packets of new connections, as a firewall does that says nothing."""
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(full.getsockname())
        return curl("--connect-timeout", "0.5", f"http://127.0.0.1:{full.getsockname()[1]}/")


@shows("HTTPS to a port that speaks plain HTTP")
def tls_to_plain(place):
    return curl("-k", url(place.start(), scheme="https"))


def secure(place, **httpd):
    return place.start(PROBES, certificates.parameters(place.certificate(), **httpd))


@shows("Plain HTTP to a port that speaks HTTPS")
def plain_to_tls(place):
    return curl("-i", url(secure(place))).replace("HTTP/1.1 ", "")


@shows("The client does not trust the certificate")
def untrusted(place):
    server = secure(place)
    seen = curl(url(server, scheme="https", host="localhost"))
    folder = place.new_folder()
    own = certificates.Certificate(folder / "server.pem", folder / "server.key", "localhost", None)
    certificates.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-nodes", "-subj",
                         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", own.key, "-out", own.file)
    own.key.chmod(0o600)
    return seen + curl(url(place.start(PROBES, certificates.parameters(own)), scheme="https", host="localhost"))


@shows("The name is not in the certificate")
def other_name(place):
    server, authority = secure(place), place.authority().certificate
    return curl("--cacert", authority, "--resolve", f"other.example:{server.port}:127.0.0.1",
                url(server, scheme="https", host="other.example"))


@shows("The handshake fails")
def nothing_in_common(place):
    address = url(secure(place), scheme="https", host="localhost")
    return curl("-k", "--tls-max", "1.1", "--ciphers", "DEFAULT@SECLEVEL=0", "--tlsv1.0", address) + curl(
        "-k", "--curves", "P-256", address)


@shows("The server wants a client certificate")
def certificate_wanted(place):
    seen = []
    for ciphers in (certificates.DEFAULT_CIPHERS, certificates.SUGGESTED_CIPHERS):
        server = secure(place, tls_verify_client="require", tls_ca_file=place.authority().certificate, tls_ciphers=ciphers)
        seen.append(curl("-k", url(server, scheme="https")))
    return "".join(seen)


@shows("Empty reply: a handler ended the HTTPD process")
def crash(place):
    server = place.start(PROBES, {"workers": None})
    seen = curl(url(server, "/crash/kill"))
    server.wait_log("starting it again")
    return seen


@shows("A reply is cut")
def slow_reader(place):
    stands = place.start(PROBES, {"send_timeout": 1, "min_send_rate": 0})
    crawls = place.start(PROBES, {"send_timeout": 1, "min_send_rate": 100000000})

    def stand_still():
        with stands.connect() as client:
            client.send(rawhttp.request("GET", "/large/50000000"))
            stands.wait_log("took no byte of its reply")

    return at_once(stand_still, lambda: curl("--limit-rate", "2M", "-o", "/dev/null", url(crawls, "/large/50000000")))


@shows("TLS connections are closed without a word")
def turned_away_over_tls(place):
    server = secure(place, max_connections=1)
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
        time.sleep(0.1)
        return curl("-k", url(server, scheme="https"))
